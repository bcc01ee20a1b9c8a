"""The classifier two-sample test: can a machine tell the two sets apart? The machine's share in the reader study.

Source: Lopez-Paz and Oquab, ICLR 2017 (arXiv 1610.06545). Each subject is judged by a model that never saw it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tlesynth.metrics.statistics import LEAST_SET, Json, Resampling, auc, auc_interval, proportion, rounded, too_few

Floats = NDArray[np.float64]
FOLDS, PERMUTATIONS = 5, 200
PENALTY = 0.1
"""Inverse strength of the ridge: few subjects, many figures."""


def two_sample(a: Floats, b: Floats, how: Resampling) -> Json:
    """How well a cross-validated logistic regression tells subjects ``a`` (N, F) from ``b`` (M, F), as JSON.

    AUC and accuracy at 0.5 are about 0.5 where nothing tells equal sets apart, and may fall well below it: what is
    left out of a fold pulls its model the other way. ``p``, the share of 200 permuted labellings whose AUC reaches this
    one, is the test. DeLong's interval takes the scores of different folds' models for independent and leaves out 0.5
    too often; so the AUC's is widened to hold 0.5 wherever 95 % of the permuted AUCs hold the AUC. The accuracy's is
    the exact one of independent scores, and so somewhat narrow.
    """
    if min(len(a), len(b)) < LEAST_SET:
        return too_few(min(len(a), len(b)), LEAST_SET)
    features, positive = np.concatenate([a, b]), np.arange(len(a) + len(b)) < len(a)
    scores = _judged(features, positive, how.generator)
    found = auc(scores, positive)
    labellings = [how.generator.permutation(positive) for _ in range(PERMUTATIONS)]
    permuted = np.array([auc(_judged(features, labels, how.generator), labels) for labels in labellings])
    return {
        "auc": widened(auc_interval(scores, positive, how.confidence), permuted, how),
        "accuracy": proportion(int(((scores >= 0.5) == positive).sum()), len(scores), how.confidence),
        "p": rounded((1 + int((permuted >= found).sum())) / (1 + PERMUTATIONS)),
        "permutations": PERMUTATIONS,
        "n_first": len(a),
        "n_second": len(b),
    }


def widened(interval: Json, permuted: Floats, how: Resampling) -> Json:
    """``interval`` of an AUC, reaching at least as far as the ``permuted`` ones (B,) reach from 0.5."""
    low, high = how.limits(permuted)
    value = interval["value"]
    ends = {"low": min(interval["low"], value - (high - 0.5)), "high": max(interval["high"], value + (0.5 - low))}
    return interval | {name: rounded(float(np.clip(end, 0, 1))) for name, end in ends.items()}


def _judged(features: Floats, positive: NDArray[np.bool_], rng: np.random.Generator) -> Floats:
    """The probability (N,) that each subject belongs to the first set, from the folds without it."""
    folds = min(FOLDS, int(positive.sum()), int((~positive).sum()))
    split = StratifiedKFold(folds, shuffle=True, random_state=int(rng.integers(2**31)))
    model = make_pipeline(StandardScaler(), LogisticRegression(C=PENALTY, class_weight="balanced"))
    return cross_val_predict(model, features, positive, cv=split, method="predict_proba")[:, 1]
