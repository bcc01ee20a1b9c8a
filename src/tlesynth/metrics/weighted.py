"""Figures of a classifier on subjects that count more or less often: what a bootstrap over subjects asks for.

``weights`` (B, n) says how often each of n subjects was drawn in each of B resamplings; every figure is (B,). The first
row of a study's weights is all ones: the data as they are. A figure that a resampling cannot give is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tlesynth.metrics.statistics import wins

Floats = NDArray[np.floating]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Ranking:
    """Subjects from the highest score to the lowest; ``ends`` (n,) is where each one's group of equal scores ends."""

    order: NDArray[np.int64]
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, scores: Floats) -> Ranking:
        """The ranking of ``scores`` (n,)."""
        order = np.argsort(-scores, kind="stable")
        ranked = scores[order]
        return cls(order, np.searchsorted(-ranked, -ranked, side="right") - 1)

    def totals(self, weights: Floats) -> Floats:
        """Weight of all subjects that score as high as each ranked one, or higher: (B, n)."""
        return np.cumsum(weights[:, self.order], axis=1)[:, self.ends]


def auc(scores: Floats, positive: Flags, weights: Floats) -> Floats:
    """Chance that a positive scores above a negative; ties count half."""
    w1, w0 = weights[:, positive], weights[:, ~positive]
    return share(((w1 @ wins(scores, positive)) * w0).sum(axis=1), w1.sum(axis=1) * w0.sum(axis=1))


def average_precision(scores: Floats, positive: Flags, weights: Floats) -> Floats:
    """Area under the precision-recall curve, without interpolation; equal scores share one precision."""
    ranking = Ranking.of(scores)
    found, called = ranking.totals(weights * positive), ranking.totals(weights)
    hits = (weights * positive)[:, ranking.order]
    return share((hits * share(found, called, empty=0.0)).sum(axis=1), hits.sum(axis=1))


def sensitivity_at(specificity: float, scores: Floats, positive: Flags, weights: Floats) -> Floats:
    """The highest sensitivity of any threshold that keeps ``specificity`` on these very subjects."""
    ranking = Ranking.of(scores)
    negatives = (weights * ~positive).sum(axis=1, keepdims=True)
    positives = (weights * positive).sum(axis=1, keepdims=True)
    alarms = share(ranking.totals(weights * ~positive), negatives)  # (B, n)
    found = share(ranking.totals(weights * positive), positives)
    best = np.where(alarms <= 1 - specificity + 1e-9, found, 0.0).max(axis=1)
    return np.where((negatives * positives)[:, 0] > 0, best, np.nan)


def confusion(called: Flags, positive: Flags, weights: Floats) -> dict[str, Floats]:
    """Accuracy, precision, recall, specificity and F1 of the calls (n,)."""
    tp, fp = weights @ (called & positive), weights @ (called & ~positive)
    fn, tn = weights @ (~called & positive), weights @ (~called & ~positive)
    return {
        "accuracy": share(tp + tn, tp + tn + fp + fn),
        "precision": share(tp, tp + fp),
        "recall": share(tp, tp + fn),
        "specificity": share(tn, tn + fp),
        "f1": share(2 * tp, 2 * tp + fp + fn),
    }


def share(part: Floats, whole: Floats, empty: float = np.nan) -> Floats:
    """``part / whole``, ``empty`` where the whole is 0."""
    part, whole = np.broadcast_arrays(np.asarray(part, np.float64), np.asarray(whole, np.float64))
    return np.divide(part, whole, out=np.full(part.shape, empty), where=whole > 0)
