"""Classifiers on a table, no image: hippocampal volumes alone, and what must tell nothing (site, head size, age, sex).

They are the yardsticks beside an image classifier. Needs no torch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from tlesynth.metrics.statistics import wins

FOLDS = 5


@dataclass(frozen=True, eq=False)
class Scored:
    """Out-of-fold scores, who is positive, and folds: (N,) each."""

    score: np.ndarray
    positive: np.ndarray
    fold: np.ndarray

    def auc(self) -> float:
        """Within folds."""
        return auc(self.score, self.positive, self.fold)

    def interval(self, seed: int) -> tuple[float, float]:
        """95 % over subjects."""
        return interval(self.score, self.positive, self.fold, seed)


def hippocampus_scores(volumes: pd.DataFrame, positive: np.ndarray, seed: int = 0) -> Scored:
    """A support vector machine on the two hippocampal volumes alone, cross-validated.

    ``volumes`` has hippocampus_left and hippocampus_right (mm3, as measured), ``positive`` is (N,) bool.
    """
    features, positive = (
        np.log(volumes[["hippocampus_left", "hippocampus_right"]].to_numpy(float)),
        np.asarray(positive),
    )
    fold, score = folds([str(bool(p)) for p in positive], seed), np.zeros(len(positive))
    for k in np.unique(fold):
        fitted = make_pipeline(StandardScaler(), SVC()).fit(features[fold != k], positive[fold != k])
        score[fold == k] = fitted.decision_function(features[fold == k])
    return Scored(score, positive.astype(bool), fold)


def hippocampus_auc(volumes: pd.DataFrame, positive: np.ndarray, seed: int = 0) -> float:
    """The AUC of those scores."""
    return hippocampus_scores(volumes, positive, seed).auc()


def trivial_auc(values: pd.Series, positive: np.ndarray) -> float:
    """AUC of a nuisance on its own, whichever way it points: 0.5 where it says nothing.

    Numbers count as they are; of words (a site, a sex), each stands for its share of patients, seen on the same
    subjects: an upper bound, since cross-validation would punish a design that is balanced exactly.
    """
    numbers = pd.api.types.is_numeric_dtype(values)
    known = values.notna().to_numpy()
    if known.sum() < 2:
        return float("nan")
    series, positive = values[known], np.asarray(positive, bool)[known]
    share = series if numbers else pd.Series(positive, index=series.index).groupby(series).transform("mean")
    found = auc(share.to_numpy(float), positive)
    return max(found, 1 - found)


def auc(score: np.ndarray, positive: np.ndarray, fold: np.ndarray | None = None) -> float:
    """Chance that a patient scores above a control of the same ``fold`` (N,); ties count half."""
    score, positive = np.asarray(score, float), np.asarray(positive, bool)
    fold = np.zeros(len(score), int) if fold is None else fold
    total = pairs = 0.0
    for k in np.unique(fold):
        won = wins(score[fold == k], positive[fold == k])
        total, pairs = total + float(won.sum()), pairs + won.size
    return total / pairs if pairs else float("nan")


def interval(
    score: np.ndarray, positive: np.ndarray, fold: np.ndarray, seed: int, draws: int = 1000
) -> tuple[float, float]:
    """95 % interval of ``auc`` over subjects, drawn anew within each fold and class."""
    rng = np.random.default_rng(seed)
    cells = [np.flatnonzero((fold == k) & (positive == sign)) for k in np.unique(fold) for sign in (True, False)]
    found = []
    for _ in range(draws):
        rows = np.concatenate([rng.choice(cell, len(cell)) for cell in cells if len(cell)])
        found.append(auc(score[rows], positive[rows], fold[rows]))
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)


def folds(strata: list[str], seed: int, count: int = FOLDS) -> np.ndarray:
    """The fold (N,) int of each subject, dealt out within one stratum after the other."""
    rng, order = np.random.default_rng(seed), []
    for stratum in sorted(set(strata)):
        order += list(rng.permutation([i for i, s in enumerate(strata) if s == stratum]))
    fold = np.empty(len(strata), int)
    fold[order] = np.arange(len(order)) % count
    return fold
