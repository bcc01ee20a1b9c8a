"""Logistic regression finds an asymmetry that separates the groups, and needs three scans of each."""

import numpy as np
import pandas as pd

from tlesynth.evaluation.volumetry import volumetry_predictions
from tlesynth.metrics.statistics import auc


def table(n: int = 12) -> pd.DataFrame:
    """Controls without, TLE with 40 percent asymmetry on their side; the synthetic cohort with half of it."""
    rng, rows = np.random.default_rng(1), []
    for cohort, size in (("real", 40.0), ("synthetic", 20.0)):
        for group, side in (("hc", None), ("tle", "left"), ("tle", "right")):
            for k in range(n):
                mean = {"left": size, "right": -size, None: 0.0}[side]
                asymmetry = float(rng.normal(mean, 5))
                left, right = 4000 * (1 - asymmetry / 200), 4000 * (1 + asymmetry / 200)
                identity = f"sub-{cohort}{group}{side}{k}"
                rows.append((identity, cohort, group, side, left, right, asymmetry, abs(asymmetry)))
    names = ("participant_id", "cohort", "group", "side", "left", "right", "asymmetry", "asymmetry_abs")
    return pd.DataFrame(rows, columns=list(names))


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
