"""Plainer synthetic classes are a caricature, fainter ones are called weak, and few scans are said to be few."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from tlesynth.augment_study.comparing import interval
from tlesynth.augment_study.consistency import consistency
from tlesynth.augment_study.resampling import CALLS, draw, figures
from tlesynth.augment_study.verdicts import Subjects, averaged, subjects_of, verdicts_of
from tlesynth.metrics.statistics import Json, Resampling, auc

Table = Callable[..., pd.DataFrame]
REAL = {name: {"value": 0.75, "low": 0.7, "high": 0.8, "n": 100} for name in ("auc_roc", *CALLS)}


def how(seed: int = 0) -> Resampling:
    return Resampling(200, 0.95, np.random.default_rng(seed))


def subjects(table: pd.DataFrame) -> Subjects:
    return subjects_of(table, pd.DataFrame(index=pd.Index(sorted(set(table["participant_id"])))))


@pytest.mark.parametrize(("apart", "reading"), [(6.0, "caricature"), (0.0, "weak"), (1.0, "alike")])
def test_the_reading(table: Table, apart: float, reading: str) -> None:
    made = table({"real": apart}, per_class=400, splits=1)
    scans = subjects(made)
    found = consistency(verdicts_of(made, scans), scans, REAL, how())
    assert found["reading"] == reading and not found["few"]
    both = (found["recall"]["value"] + found["specificity"]["value"]) / 2
    assert both == pytest.approx(found["accuracy"]["value"], abs=1e-5), "the classes are of one size"


def real_figures(table: pd.DataFrame) -> Json:
    people = subjects(table)
    verdicts = verdicts_of(table, people)
    draws = draw(people, ((one.split, one.seed) for one in verdicts), how(1))
    return {name: interval(values, len(people), how(1)) for name, values in figures(verdicts, people, draws).items()}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_noisy_trainings_make_no_caricature_of_scans_that_are_like_real_ones(table: Table, seed: int) -> None:
    """Synthetic and real scans of one distribution; each training adds noise of SD 2, and a mean averages it out."""
    real = table({"real": 2.0}, per_class=240, splits=5, seeds=3, seed=seed, noise=2.0)
    made = table({"real": 2.0}, per_class=240, splits=5, seeds=3, seed=100 + seed, noise=2.0)
    scans, known = subjects(made), real_figures(real)
    found = consistency(verdicts_of(made, scans), scans, known, how())
    assert found["reading"] == "alike"
    assert found["auc_roc"]["low"] < known["auc_roc"]["value"] < found["auc_roc"]["high"]
    together = averaged(verdicts_of(made, scans), scans)
    gap = auc(together.probability, scans.positive[together.rows]) - known["auc_roc"]["value"]
    assert gap > 0.07, "the mean score of all trainings is another thing, and would have been called a caricature"


def test_a_gap_that_chance_allows_is_unclear(table: Table) -> None:
    made = table({"real": 2.5}, per_class=10, splits=1)
    scans = subjects(made)
    wide = REAL | {"auc_roc": {"value": 0.6, "low": 0.3, "high": 0.9, "n": 10}}
    assert consistency(verdicts_of(made, scans), scans, wide, how())["reading"] == "unclear"


def test_few_scans_are_said(table: Table) -> None:
    made = table({"real": 1.0}, per_class=36, splits=1)
    scans = subjects(made)
    assert consistency(verdicts_of(made, scans), scans, REAL, how())["few"]
