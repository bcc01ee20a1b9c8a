"""Is one classifier better than another on the same subjects? Tests of a paired difference, and what they could see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.multitest import multipletests

from tlesynth.metrics.statistics import FEWEST, Interval, Json, auc, not_computed, placements, rounded, too_few

Floats = NDArray[np.floating]
Flags = NDArray[np.bool_]
Key = TypeVar("Key")


@dataclass(frozen=True)
class Test:
    """A difference, its standard error and the two-sided p of no difference."""

    difference: float
    error: float
    p: float

    __test__ = False  # not one of pytest's

    def as_json(self, n: int, confidence: float) -> Json:
        """Difference with its normal interval and p, to six significant digits."""
        half = float(stats.norm.ppf(0.5 + confidence / 2)) * self.error
        found = Interval(self.difference, self.difference - half, self.difference + half, n).as_json()
        return found | {"p": rounded(self.p)}


def delong(other: Floats, base: Floats, positive: Flags) -> Test:
    """AUC of the scores ``other`` minus that of ``base``, for the same subjects (n,).

    Source: DeLong, DeLong and Clarke-Pearson, Biometrics 1988. Where the two never disagree the error is 0 and p is 1.
    """
    placed = [placements(scores, positive) for scores in (other, base)]
    of_positives, of_negatives = (a - b for a, b in zip(*placed, strict=True))
    error = float(np.sqrt(of_positives.var(ddof=1) / len(of_positives) + of_negatives.var(ddof=1) / len(of_negatives)))
    difference = auc(other, positive) - auc(base, positive)
    p = 1.0 if error == 0 else float(2 * stats.norm.sf(abs(difference) / error))
    return Test(difference, error, p)


def mcnemar(other_right: Flags, base_right: Flags) -> Json:
    """How many subjects only one of two classifiers gets right, and the exact two-sided p (McNemar 1947)."""
    gained, lost = int((other_right & ~base_right).sum()), int((base_right & ~other_right).sum())
    p = stats.binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    return {"gained": gained, "lost": lost, "p": rounded(float(p))}


def resampled_t(differences: Sequence[float], n_test: float, n_pool: float) -> Json:
    """The t-test of one difference for each of J test sets of ``n_test`` subjects, drawn from one pool of ``n_pool``.

    The sets overlap, so that two differences correlate by rho = n_test / n_pool, and their variance S^2 misses what
    they share: t = mean / sqrt((1 / J + rho / (1 - rho)) S^2) with J - 1 degrees of freedom. It has the form of Nadeau
    and Bengio's test (Machine Learning 2003), whose n_test / n_train is rho / (1 - rho) where each split trains on
    all that it does not test; here the training set is one and the same. Trainings of their own in each split make the
    differences less alike than that, and the test careful.
    """
    values = np.asarray(differences, np.float64)
    if len(values) < 2:
        return not_computed("it needs at least two splits")
    if n_test >= n_pool:
        return not_computed("every split tests the same scans")
    shared = n_test / (n_pool - n_test)
    spread = float(np.sqrt((1 / len(values) + shared) * values.var(ddof=1)))
    mean = float(values.mean())
    told = {"difference": rounded(mean), "splits": len(values), "shared": rounded(n_test / n_pool)}
    if spread == 0:
        return told | {"t": None, "p": 1.0 if mean == 0 else 0.0}
    t = mean / spread
    return told | {"t": rounded(t), "p": rounded(float(2 * stats.t.sf(abs(t), len(values) - 1)))}


def bootstrap_p(draws: Floats) -> float:
    """Two-sided p of no difference from bootstrap ``draws`` (B,) of it: twice the share beyond 0, never quite 0."""
    kept = draws[np.isfinite(draws)]
    beyond = min(int((kept <= 0).sum()), int((kept >= 0).sum()))
    return min(1.0, 2 * (beyond + 1) / (len(kept) + 1))


def holm(p_values: dict[Key, float]) -> dict[Key, float]:
    """The p of each comparison when all are made (Holm 1979)."""
    if not p_values:
        return {}
    adjusted = multipletests(list(p_values.values()), method="holm")[1]
    return {name: rounded(float(p)) for name, p in zip(p_values, adjusted, strict=True)}


def detectable(error: float, confidence: float, power: float) -> float:
    """The true difference that a study with standard error ``error`` finds with probability ``power``."""
    return float((stats.norm.ppf(0.5 + confidence / 2) + stats.norm.ppf(power)) * error)


def delong_json(other: Floats, base: Floats, positive: Flags, confidence: float) -> Json:
    """``delong`` as JSON; fewer than three subjects of a class give none."""
    few = min(int(positive.sum()), int((~positive).sum()))
    return too_few(few) if few < FEWEST else delong(other, base, positive).as_json(len(positive), confidence)
