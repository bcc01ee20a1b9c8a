"""The figures that the paper prints, for the report to set beside ours. They were measured on other data."""

from __future__ import annotations

import math

from scipy import stats

from tlesynth.metrics.statistics import Interval, Json, clopper_pearson

TABLE_1 = {"l1": 0.058, "lpips": 0.017, "fid": 0.33}
"""Reconstruction by the VAE-GAN, 2D slices of the validation set."""

TABLE_2 = {"hc": 87.36, "tle": 99.07}
"""FID (Inception-V3, all 2D slices) of the synthetic against the real scans of a class."""

TABLE_3 = {"synthetic_detected": (7, 24), "synthetic_classified": (19, 24)}
"""Synthetic scans that the reader found, and that the classifier trained on real scans got right: (hits, scans)."""

TABLE_4 = {
    "real": {"f1": 0.826, "precision": 0.886, "recall": 0.773, "accuracy": 0.813, "auc_roc": 0.887, "aucpr": 0.925},
    "synthetic": {
        "f1": 0.772,
        "precision": 0.847,
        "recall": 0.71,
        "accuracy": 0.760,
        "auc_roc": 0.842,
        "aucpr": 0.888,
    },
    "real+0.25": {"f1": 0.845, "precision": 0.93, "recall": 0.773, "accuracy": 0.8367, "auc_roc": 0.90, "aucpr": 0.94},
    "real+0.5": {"f1": 0.848, "precision": 0.907, "recall": 0.796, "accuracy": 0.8367, "auc_roc": 0.89, "aucpr": 0.925},
}
"""The classifier on 300 real test scans, by training set."""

CONFUSION_4 = {"real": (133, 17, 39, 111), "synthetic": (122, 22, 50, 106)} | {
    "real+0.25": (133, 10, 39, 118),
    "real+0.5": (137, 14, 35, 114),
}
"""TP, FP, FN, TN of Table 4, worked out from its shares: with 172 TLE and 128 healthy test scans the only whole numbers
whose F1, precision, recall and accuracy lie within 0.001 of the printed ones (not all round to them). Of 100 to 219 TLE
among the 300, 172 is the only number that allows all four rows. The paper prints none of them."""


def table_4_intervals(confidence: float = 0.95) -> dict[str, dict[str, Json]]:
    """What Table 4 leaves out: the interval of each figure, from the numbers of scans behind it.

    Accuracy, precision and recall: Clopper and Pearson. F1 = 2 J / (1 + J), J the share of TP among TP, FP and FN: the
    ends of J's interval. AUC: Hanley and McNeil's error, no ranking being published. AUCPR: the logit interval of
    Boyd, Eng and Page (2013). They are over test scans; those over trainings cannot be known.
    """
    return {arm: _row_4(arm, confidence) for arm in TABLE_4}


def _row_4(arm: str, confidence: float) -> dict[str, Json]:
    tp, fp, fn, tn = CONFUSION_4[arm]
    z = float(stats.norm.ppf(0.5 + confidence / 2))
    shared = clopper_pearson(tp, tp + fp + fn, confidence)
    low, high = (2 * j / (1 + j) for j in (shared.low, shared.high))
    found = {
        "f1": Interval(shared.value, low, high, tp + fp + fn).as_json(),
        "precision": clopper_pearson(tp, tp + fp, confidence).as_json(),
        "recall": clopper_pearson(tp, tp + fn, confidence).as_json(),
        "accuracy": clopper_pearson(tp + tn, tp + fp + fn + tn, confidence).as_json(),
        "auc_roc": _hanley_mcneil(TABLE_4[arm]["auc_roc"], tp + fn, fp + tn, z).as_json(),
        "aucpr": _logit(TABLE_4[arm]["aucpr"], tp + fn, z).as_json(),
    }
    # The printed figure stands, rounded as the paper rounds it.
    return {name: value | {"value": TABLE_4[arm][name]} for name, value in found.items()}


def _hanley_mcneil(auc: float, n1: int, n0: int, z: float) -> Interval:
    """Radiology 1982: the error of an AUC from its value and the sizes of the classes alone."""
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    error = ((auc * (1 - auc) + (n1 - 1) * (q1 - auc**2) + (n0 - 1) * (q2 - auc**2)) / (n1 * n0)) ** 0.5
    return Interval(auc, auc - z * error, auc + z * error, n1 + n0)


def _logit(share: float, n: int, z: float) -> Interval:
    half = z / (n * share * (1 - share)) ** 0.5
    low, high = (1 / (1 + ((1 - share) / share) * math.exp(sign * half)) for sign in (1, -1))
    return Interval(share, low, high, n)
