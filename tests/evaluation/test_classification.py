"""Figures of a classifier whose every prediction is known."""

import numpy as np
import pandas as pd
import pytest

from tlesynth.evaluation import classification as c
from tlesynth.metrics.statistics import Resampling

from .conftest import Run


def how() -> Resampling:
    return Resampling(200, 0.95, np.random.default_rng(0))


def predictions(scores_tle: list[float], scores_hc: list[float]) -> pd.DataFrame:
    groups = ["tle"] * len(scores_tle) + ["hc"] * len(scores_hc)
    scores = np.array(scores_tle + scores_hc)
    called = np.where(scores >= 0.5, "tle", "hc")
    ids = [f"sub-{k:02d}" for k in range(len(groups))]
    return pd.DataFrame({"participant_id": ids, "group": groups, "probability": scores, "predicted": called})


def test_the_confusion_matrix_and_its_rates() -> None:
    found = c.arm_figures(predictions([0.9, 0.8, 0.7, 0.2], [0.1, 0.2, 0.6]), 0.5, how())
    assert found["confusion"] == {"tp": 3, "fp": 1, "tn": 2, "fn": 1}
    assert found["accuracy"]["value"] == pytest.approx(5 / 7, abs=1e-5)
    assert found["precision"] | {"low": 0, "high": 0} == {"value": 0.75, "low": 0, "high": 0, "n": 4}
    assert found["recall"]["value"] == 0.75 and found["f1"]["value"] == 0.75
    assert found["auc_roc"]["value"] == pytest.approx(10.5 / 12, abs=1e-5)


def test_the_threshold_is_the_one_given() -> None:
    table = predictions([0.4, 0.35, 0.32], [0.1, 0.2, 0.3])
    found = c.arm_figures(table, 0.31, how())
    assert found["accuracy"]["value"] == 1.0 and found["threshold"] == 0.31
    assert found["at_half"]["accuracy"]["value"] == 0.5
    assert "not_computed" in found["at_half"]["precision"]


def test_an_arm_compared_with_itself_differs_by_nothing() -> None:
    table = predictions([0.9, 0.3, 0.8, 0.6], [0.1, 0.7, 0.2, 0.4])
    found = c.comparison(table, table, how())
    assert found["auc_difference"] | {"n": 0} == {"value": 0, "low": 0, "high": 0, "n": 0}
    assert found["mcnemar"] == {"gained": 0, "lost": 0, "p": 1.0}


def test_a_better_arm_gains_scans() -> None:
    worse, better = predictions([0.4] * 6, [0.1] * 6), predictions([0.9] * 6, [0.1] * 6)
    found = c.comparison(worse, better, how())
    assert found["mcnemar"] == {"gained": 6, "lost": 0, "p": 0.03125}
    assert found["accuracy_difference"]["value"] == 0.5


def test_the_synthetic_cohort_by_the_real_arm_is_counted_by_class() -> None:
    found = c.synthetic_by_real(predictions([0.9, 0.9, 0.1], [0.1, 0.1, 0.2, 0.8]), how())
    assert (found["tle_correct"], found["tle"], found["hc_correct"], found["hc"]) == (2, 3, 3, 4)
    assert found["accuracy"]["n"] == found["n"] == 7


def test_one_scan_of_a_class_gives_no_figures() -> None:
    assert "not_computed" in c.arm_figures(predictions([0.9], [0.1] * 5), 0.5, how())


def test_arms_are_found_real_first(run: Run) -> None:
    assert c.trained_arms(run.classifiers) == ["real", "real+0.25"]
    assert c.trained_arms(run.classifiers / "nowhere") == []
