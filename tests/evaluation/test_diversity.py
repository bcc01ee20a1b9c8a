"""A collapsed set has similarity 1, a varied one less, and the interval resamples heads."""

import numpy as np
import pytest

from tlesynth.evaluation.diversity import MOST_SUBJECTS, choose, pairwise_similarity
from tlesynth.metrics.statistics import Resampling


def how(seed: int = 0) -> Resampling:
    return Resampling(200, 0.95, np.random.default_rng(seed))


def test_a_collapsed_set_has_similarity_one() -> None:
    volume = np.random.default_rng(0).random((20, 20, 20)).astype(np.float32)
    found = pairwise_similarity(iter([volume] * 5), 5, 100, how())
    assert found["value"] == pytest.approx(1, abs=1e-5) and found["low"] == pytest.approx(1, abs=1e-5)
    assert found["pairs"] == 10 and found["n"] == 5


def test_a_varied_set_has_less() -> None:
    rng = np.random.default_rng(1)
    base = rng.random((20, 20, 20))
    near, far = (
        pairwise_similarity((np.clip(base + sd * rng.normal(size=base.shape), 0, 1) for _ in range(6)), 6, 8, how())
        for sd in (0.05, 0.3)
    )
    assert far["value"] < near["value"] < 1
    assert near["low"] <= near["value"] <= near["high"]
    assert near["pairs"] == 8


def test_two_heads_are_too_few() -> None:
    assert "not_computed" in pairwise_similarity(iter([np.ones((9, 9, 9))] * 2), 2, 10, how())


def test_large_cohorts_are_drawn_from() -> None:
    ids = [f"sub-{k:03d}" for k in range(100)]
    chosen = choose(ids, np.random.default_rng(0))
    assert len(set(chosen)) == MOST_SUBJECTS and chosen == sorted(chosen)
    assert choose(ids[:5], np.random.default_rng(0)) == ids[:5]
