"""A collapsed set has similarity 1, a varied one less, and intervals resample heads."""

import numpy as np
import pytest

from tlesynth.data.cohort import read_cohort
from tlesynth.evaluation.diversity import (
    MOST_SUBJECTS,
    Likeness,
    choose,
    difference,
    diversity,
    pairwise_similarity,
)
from tlesynth.evaluation.sections import Inputs, Intervals
from tlesynth.metrics.statistics import Resampling
from tlesynth.recipe import Evaluation

from .conftest import Run

SHAPE = (20, 20, 20)
WHOLE = np.ones(SHAPE, bool)


def how(seed: int = 0) -> Resampling:
    return Resampling(200, 0.95, np.random.default_rng(seed))


def likeness(sd: float, n: int = 6, pairs: int = 15, mask: np.ndarray = WHOLE) -> Likeness:
    rng = np.random.default_rng(1)
    base = rng.random(SHAPE)
    heads = (np.clip(base + sd * rng.normal(size=SHAPE), 0, 1) for _ in range(n))
    found = pairwise_similarity(heads, mask, n, pairs, how())
    assert isinstance(found, Likeness)
    return found


def test_a_collapsed_set_has_similarity_one() -> None:
    found = likeness(0, 5).as_json(how())
    assert found["value"] == pytest.approx(1, abs=1e-5) and found["low"] == pytest.approx(1, abs=1e-5)
    assert found["pairs"] == 10 and found["n"] == 5


def test_a_varied_set_has_less() -> None:
    near, far = (likeness(sd, pairs=8).as_json(how()) for sd in (0.05, 0.3))
    assert far["value"] < near["value"] < 1
    assert near["low"] <= near["value"] <= near["high"] and near["pairs"] == 8


def test_the_difference_holds_zero_for_one_kind_and_not_for_a_collapsed_set() -> None:
    real = likeness(0.2, 8, 28)
    assert difference(real, likeness(0, 8, 28), how())["low"] > 0
    same = difference(real, likeness(0.2, 8, 28), how())
    assert same["value"] == 0 and same["n"] == 16
    assert "not_computed" in difference(real, None, how())


def test_only_the_brain_counts() -> None:
    """Heads that differ in one half alone are alike in the other."""
    rng = np.random.default_rng(2)
    base = rng.random(SHAPE)
    heads = [np.concatenate([base[:10], rng.random((10, 20, 20))]) for _ in range(4)]
    left = np.zeros(SHAPE, bool)
    left[:6] = True
    found = [pairwise_similarity(iter(heads), mask, 4, 6, how()) for mask in (left, WHOLE)]
    assert isinstance(found[0], Likeness) and isinstance(found[1], Likeness)
    assert found[0].mean > found[1].mean + 0.1


def test_two_heads_are_too_few() -> None:
    assert "not_computed" in pairwise_similarity(iter([np.ones(SHAPE)] * 2), WHOLE, 2, 10, how())


def test_large_cohorts_are_drawn_from() -> None:
    ids = [f"sub-{k:03d}" for k in range(100)]
    chosen = choose(ids, np.random.default_rng(0))
    assert len(set(chosen)) == MOST_SUBJECTS and chosen == sorted(chosen)
    assert choose(ids[:5], np.random.default_rng(0)) == ids[:5]


def test_a_cohort_against_itself_differs_by_nothing(run: Run) -> None:
    cohort = read_cohort(run.derivatives)
    found = diversity(
        Inputs(cohort, None, cohort, {"gen_train": cohort.ids}), Intervals(Evaluation(diversity_pairs=100), 1)
    )["hc"]
    assert found["difference"]["value"] == 0 and found["real"]["value"] == found["synthetic"]["value"]
    assert found["pairs"] == 21 and "brain" in diversity.__globals__["METRIC"]
