"""The classifiers judged on the real test scans (paper, Table 4), and on the synthetic ones (Table 3)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from tlesynth.classifier.model import load_config, predict
from tlesynth.data.cohort import Cohort
from tlesynth.evaluation.volumetry import FIGURES, volumetry_predictions
from tlesynth.metrics.statistics import (
    FEWEST,
    Json,
    Resampling,
    auc_draws,
    auc_interval,
    average_precision_draws,
    bootstrap,
    f1_draws,
    not_computed,
    proportion,
    rounded,
    too_few,
)

Flags = NDArray[np.bool_]
BASELINE = "real"


def predict_cohort(classifiers: Path, arms: list[str], cohort: Cohort, ids: list[str], kind: str) -> pd.DataFrame:
    """Every arm's probability of TLE for the scans ``ids``: arm, participant_id, cohort (``kind``), group, probability,
    threshold (from val), predicted."""
    volumes = cohort.volumes(ids, label=f"reading {kind}")
    rows = []
    for arm in arms:
        folder = classifiers / arm / "model"
        config = load_config(folder)
        found = predict(folder, volumes, cohort.grid, device="auto")
        table = pd.DataFrame({"arm": arm, "participant_id": ids, "cohort": kind})
        table["group"] = cohort.participants.loc[ids, "group"].to_numpy()
        table["probability"] = np.round(found, 6)
        table["threshold"] = round(config.youden_threshold, 6)
        table["predicted"] = np.where(found >= config.youden_threshold, "tle", "hc")
        rows.append(table)
    return pd.concat(rows, ignore_index=True)


def trained_arms(classifiers: Path) -> list[str]:
    """The arms with a finished model, the real one first."""
    found = [folder.parent.name for folder in sorted(classifiers.glob("*/model")) if (folder / "config.json").is_file()]
    return sorted(found, key=lambda arm: (arm != BASELINE, arm != "synthetic", arm))


def arm_figures(predictions: pd.DataFrame, threshold: float, how: Resampling) -> Json:
    """All figures of one classifier on test; ``predictions`` has group and probability per scan.

    Accuracy, precision, recall and specificity have exact intervals, F1 and AUCPR bootstrap ones, AUC DeLong's.
    ``at_half`` holds the same at a threshold of 0.5.
    """
    scores, positive = _scores(predictions)
    n1, n0 = int(positive.sum()), int((~positive).sum())
    if min(n1, n0) < FEWEST:
        return too_few(min(n1, n0))
    order = np.concatenate([np.flatnonzero(positive), np.flatnonzero(~positive)])
    scores, positive = scores[order], positive[order]
    figures = _at_threshold(scores, positive, threshold, how)
    figures["auc_roc"] = auc_interval(scores, positive, how.confidence)
    figures["aucpr"] = bootstrap(lambda rows: average_precision_draws(scores, positive, rows), (n1, n0), how)
    figures["at_half"] = _at_threshold(scores, positive, 0.5, how)
    return figures


def comparison(baseline: pd.DataFrame, other: pd.DataFrame, how: Resampling) -> Json:
    """``other`` minus ``baseline`` on the same test scans: AUC and accuracy with paired intervals, and McNemar's p."""
    a, b = (t.sort_values(["group", "participant_id"]) for t in (baseline, other))
    (scores_a, positive), (scores_b, _) = _scores(a), _scores(b)
    n1, n0 = int(positive.sum()), int((~positive).sum())
    if min(n1, n0) < FEWEST:
        return too_few(min(n1, n0))
    right_a, right_b = ((t["predicted"] == t["group"]).to_numpy() for t in (a, b))

    def auc_gain(rows: NDArray[np.int64]) -> NDArray[np.floating]:
        return auc_draws(scores_b, positive, rows) - auc_draws(scores_a, positive, rows)

    def accuracy_gain(rows: NDArray[np.int64]) -> NDArray[np.floating]:
        return (right_b[rows].astype(float) - right_a[rows]).mean(axis=1)

    sizes = (n0, n1)  # sorted by group: hc stands first
    gained, lost = int((right_b & ~right_a).sum()), int((right_a & ~right_b).sum())
    p = stats.binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    return {
        "auc_difference": bootstrap(auc_gain, sizes, how),
        "accuracy_difference": bootstrap(accuracy_gain, sizes, how),
        "mcnemar": {"gained": gained, "lost": lost, "p": rounded(float(p))},
    }


def synthetic_by_real(predictions: pd.DataFrame, how: Resampling) -> Json:
    """The arm trained on real scans applied to the synthetic cohort: how many it takes for what they were made as."""
    right = (predictions["predicted"] == predictions["group"]).to_numpy()
    tle = (predictions["group"] == "tle").to_numpy()
    scores, positive = _scores(predictions)
    return {
        "hc_correct": int((right & ~tle).sum()),
        "hc": int((~tle).sum()),
        "tle_correct": int((right & tle).sum()),
        "tle": int(tle.sum()),
        "accuracy": proportion(int(right.sum()), len(right), how.confidence),
        "auc_roc": auc_interval(scores, positive, how.confidence),
        "n": len(right),
    }


def classification(predictions: pd.DataFrame, classifiers: Path, arms: list[str], how: Resampling) -> Json:
    """The whole section from the table of ``predict_cohort`` over the cohorts ``test`` and ``synthetic``."""
    test = {arm: predictions[(predictions["arm"] == arm) & (predictions["cohort"] == "test")] for arm in arms}
    made = predictions[(predictions["arm"] == BASELINE) & (predictions["cohort"] == "synthetic")]
    groups = next(iter(test.values()))["group"]
    missing = not_computed(f"the arm {BASELINE} was not trained", "tlesynth train classifier")
    configs = {arm: load_config(classifiers / arm / "model") for arm in arms}
    others = [arm for arm in arms if BASELINE in arms and arm != BASELINE]
    return {
        "test": {"n": len(groups), "hc": int((groups == "hc").sum()), "tle": int((groups == "tle").sum())},
        "arms": {a: arm_figures(test[a], c.youden_threshold, how) | {"n_train": c.n_train} for a, c in configs.items()},
        "against_real": {arm: comparison(test[BASELINE], test[arm], how) for arm in others},
        "synthetic_by_real": synthetic_by_real(made, how) if len(made) else missing,
    }


def volumetry(table: pd.DataFrame, how: Resampling) -> Json:
    """Logistic regression on hippocampal figures, trained on real and on synthetic scans, judged on test at 0.5.

    ``table`` has a row per measured scan: group, split (gen_train, test, synthetic, ...), left, right, asymmetry_abs.
    """
    result: Json = {"figures": list(FIGURES)}
    test = table[table["split"] == "test"]
    for name, split in (("real", "gen_train"), ("synthetic", "synthetic")):
        training = table[table["split"] == split]
        found = volumetry_predictions(training, test)
        if found is None:
            result[name] = not_computed("too few measured scans in a class")
        else:
            result[name] = arm_figures(test.assign(probability=found), 0.5, how) | {"n_train": len(training)}
    return result


def _at_threshold(scores: NDArray[np.float64], positive: Flags, threshold: float, how: Resampling) -> Json:
    called = scores >= threshold
    tp, fp = int((called & positive).sum()), int((called & ~positive).sum())
    fn, tn = int((~called & positive).sum()), int((~called & ~positive).sum())
    level = how.confidence
    return {
        "accuracy": proportion(tp + tn, len(scores), level),
        "precision": proportion(tp, tp + fp, level),
        "recall": proportion(tp, tp + fn, level),
        "specificity": proportion(tn, tn + fp, level),
        "f1": bootstrap(lambda rows: f1_draws(called, positive, rows), (tp + fn, tn + fp), how),
        "confusion": {"tp": tp, "fp": fp, "tn": tn, "fn": fn},
        "threshold": rounded(threshold),
    }


def _scores(predictions: pd.DataFrame) -> tuple[NDArray[np.float64], Flags]:
    return predictions["probability"].to_numpy(np.float64), (predictions["group"] == "tle").to_numpy()
