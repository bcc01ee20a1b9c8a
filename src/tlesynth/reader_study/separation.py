"""Does anything separate two kinds? Permutation tests of single figures, of their combination, and of a sequence.

Every test permutes the labels, so it is exact whatever the figures' distribution.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tlesynth.metrics.statistics import Flags, Floats

PERMUTATIONS = 1999
RIDGE = 1.0
LAGS = (1, 2, 3, 4, 5)
"""Distances in a sequence at which its members are compared: blocks and patterns show there."""


@dataclass(frozen=True)
class Separated:
    """An area under the ROC curve and the share of permuted labellings that separate as well."""

    auc: float
    p: float


def each(figures: Floats, labels: Flags, draws: np.random.Generator) -> Floats:
    """For each column of ``figures`` (n, K) the chance (K,) that any column would separate as well by accident.

    The statistic is the standardised sum of ranks; the largest of all columns corrects for their number
    (Westfall and Young 1993).
    """
    ranks = stats.rankdata(figures, axis=0)
    ranks = ranks - ranks.mean(axis=0)
    return _corrected(np.abs(_labellings(labels, draws) @ ranks))


def together(figures: Floats, labels: Flags, draws: np.random.Generator) -> Separated:
    """Whether all columns of ``figures`` (n, K) tell the labels together: ridge regression, each row left out once."""
    spread = figures.std(axis=0)
    design = (figures - figures.mean(axis=0)) / np.where(spread > 0, spread, 1)
    design = np.column_stack([np.ones(len(design)), design])
    penalty = RIDGE * np.diag([0.0] + [1.0] * (design.shape[1] - 1))
    hat = design @ np.linalg.solve(design.T @ design + penalty, design.T)
    aim = _labellings(labels, draws).T  # (n, 1 + B)
    own = np.diag(hat)[:, None]
    left_out = (hat @ aim - own * aim) / (1 - own)
    areas = _areas(left_out, aim > 0)
    return Separated(float(areas[0]), _p(areas))


def in_order(labels: Flags, draws: np.random.Generator) -> float:
    """The chance that a random order looks as ordered as this sequence of labels (n,): early, blocked or patterned."""
    shuffled = _labellings(labels, draws)
    place = np.arange(len(labels)) - (len(labels) - 1) / 2
    alike = [(shuffled[:, lag:] == shuffled[:, :-lag]).mean(axis=1) for lag in LAGS if lag < len(labels)]
    expected = np.mean(alike, axis=1, keepdims=True) if alike else np.empty((0, 1))
    return float(_corrected(np.column_stack([np.abs(shuffled @ place), *np.abs(alike - expected)])).min())


def _labellings(labels: Flags, draws: np.random.Generator) -> NDArray[np.float64]:
    """The labels as they are, then ``PERMUTATIONS`` times permuted: (1 + B, n)."""
    rows = np.tile(labels.astype(np.float64), (1 + PERMUTATIONS, 1))
    rows[1:] = draws.permuted(rows[1:], axis=1)
    return rows


def _corrected(found: NDArray[np.float64]) -> Floats:
    """The p (K,) of the first row of ``found`` (1 + B, K) by the largest standardised value of each other row."""
    spread = found[1:].std(axis=0)
    standard = (found - found[1:].mean(axis=0)) / np.where(spread > 1e-12, spread, np.inf)
    largest = standard[1:].max(axis=1)
    return (1 + (largest[:, None] >= standard[0] - 1e-9).sum(axis=0)) / (1 + PERMUTATIONS)


def _areas(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> Floats:
    """The AUC of each column of ``scores`` (n, B) for its own labels."""
    ranks = stats.rankdata(np.round(scores, 9), axis=0)
    n1 = positive.sum(axis=0)
    return ((ranks * positive).sum(axis=0) - n1 * (n1 + 1) / 2) / (n1 * (len(scores) - n1))


def _p(found: Floats) -> float:
    return float((1 + (found[1:] >= found[0] - 1e-9).sum()) / len(found))
