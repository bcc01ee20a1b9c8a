"""Logistic regression finds an asymmetry that separates the groups, and needs three scans of each."""

import numpy as np

from tlesynth.evaluation.volumetry import volumetry_predictions
from tlesynth.metrics.statistics import auc

from .test_morphometry import table


def test_asymmetry_separates_the_groups() -> None:
    rows = table()
    training, judged = rows[rows["cohort"] == "synthetic"], rows[rows["cohort"] == "real"]
    found = volumetry_predictions(training, judged)
    assert found is not None
    assert auc(found, (judged["group"] == "tle").to_numpy()) > 0.99
    assert np.all((found >= 0) & (found <= 1))


def test_too_few_scans_give_no_model() -> None:
    rows = table(2)
    assert volumetry_predictions(rows[rows["group"] == "hc"], rows) is None
