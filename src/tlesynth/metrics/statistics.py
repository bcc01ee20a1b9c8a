"""Statistics with their uncertainty: intervals for means, proportions, rankings and effect sizes.

The unit of resampling is the subject, never the slice or the voxel. Everything is vectorised over resamples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

Floats: TypeAlias = NDArray[np.floating]
Rows: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]
Json: TypeAlias = dict[str, Any]
FEWEST = 3
"""Fewer scans than this give no statistic."""
LEAST_SET = 8
"""Fewer scans a side are not compared as sets: 3 against 3 are told apart perfectly by chance one time in 20 either
way, 8 against 8 one time in 12,870; and all of 8 show no more than 63 %."""


@dataclass(frozen=True)
class Interval:
    """A statistic with its confidence interval and the number of subjects behind it."""

    value: float
    low: float
    high: float
    n: int

    def as_json(self) -> Json:
        """The four numbers as results.json holds them, to six significant digits."""
        return {"value": rounded(self.value), "low": rounded(self.low), "high": rounded(self.high), "n": self.n}


@dataclass(frozen=True)
class Resampling:
    """How intervals are made: ``resamples`` bootstrap draws at ``confidence``, from ``generator``."""

    resamples: int
    confidence: float
    generator: np.random.Generator

    @property
    def z(self) -> float:
        """The normal quantile of the two-sided interval (1.96 at 0.95)."""
        return float(stats.norm.ppf(0.5 + self.confidence / 2))

    def limits(self, draws: Floats) -> tuple[float, float]:
        """Percentile limits of ``draws`` (B,); draws that are not finite are left out."""
        tail = (1 - self.confidence) / 2
        low, high = np.nanquantile(draws, [tail, 1 - tail])
        return float(low), float(high)

    def subjects(self, *sizes: int) -> Rows:
        """Resampled row numbers (B, sum of sizes): each stratum of ``sizes`` is drawn within itself."""
        starts = np.cumsum([0, *sizes[:-1]])
        draws = [s + self.generator.integers(0, n, (self.resamples, n)) for s, n in zip(starts, sizes, strict=True)]
        return np.concatenate(draws, axis=1)


def rounded(value: float) -> float:
    """``value`` to six significant digits, so that results.json is the same on machines that sum in another order."""
    return float(f"{value:.6g}")


def not_computed(reason: str, command: str = "") -> Json:
    """The place holder of a statistic that was not computed: why, and the command that would change it."""
    return {"not_computed": reason, "command": command}


def too_few(n: int, least: int = FEWEST) -> Json:
    """The place holder where there are fewer than ``least`` scans."""
    return not_computed(f"{n} scan{'' if n == 1 else 's'}; at least {least} are needed")


def mean_interval(values: Floats, how: Resampling) -> Json:
    """Mean of ``values`` (n,), one per subject, with its percentile bootstrap interval, as JSON."""
    values = np.asarray(values, dtype=np.float64)
    if len(values) < FEWEST:
        return too_few(len(values))
    low, high = how.limits(values[how.subjects(len(values))].mean(axis=1))
    return Interval(float(values.mean()), low, high, len(values)).as_json()


def bootstrap(statistic: Callable[[Rows], Floats], sizes: tuple[int, ...], how: Resampling) -> Json:
    """Any statistic of subjects with its stratified percentile interval, as JSON.

    ``statistic`` maps row numbers (B, n) to values (B,); rows of one stratum stand together, in the order of ``sizes``.
    """
    n = sum(sizes)
    if min(sizes) < FEWEST:
        return too_few(min(sizes))
    value = float(statistic(np.arange(n)[None])[0])
    low, high = how.limits(statistic(how.subjects(*sizes)))
    return Interval(value, low, high, n).as_json()


def drawn_interval(found: Floats, n: int, how: Resampling, unknown: str) -> Json:
    """The first of ``found`` (1 + B,) with the percentiles of the others, as JSON; ``unknown`` if it is no number."""
    if not np.isfinite(found[0]):
        return not_computed(unknown)
    return Interval(float(found[0]), *how.limits(found[1:]), n).as_json()


def spread_interval(value: float, draws: Floats, n: int, how: Resampling) -> Json:
    """``value`` plus and minus z standard deviations of its bootstrap ``draws``, not below 0, as JSON.

    For distances: a resampled set holds fewer distinct subjects, so its distance is biased upwards and percentiles
    would exclude the very value they are about; the spread of the draws is what they tell.
    """
    half = how.z * float(np.std(draws, ddof=1))
    return Interval(value, max(0.0, value - half), value + half, n).as_json()


def wilson(hits: int, n: int, confidence: float = 0.95) -> Interval:
    """Proportion with Wilson's score interval (Wilson, JASA 1927)."""
    limits = stats.binomtest(hits, n).proportion_ci(confidence, method="wilson")
    return Interval(hits / n, float(limits.low), float(limits.high), n)


def clopper_pearson(hits: int, n: int, confidence: float = 0.95) -> Interval:
    """Proportion with the exact interval (Clopper and Pearson, Biometrika 1934)."""
    limits = stats.binomtest(hits, n).proportion_ci(confidence, method="exact")
    return Interval(hits / n, float(limits.low), float(limits.high), n)


def proportion(hits: int, n: int, confidence: float) -> Json:
    """Exact interval of a proportion as JSON; too few trials give none."""
    return clopper_pearson(hits, n, confidence).as_json() if n >= FEWEST else too_few(n)


def auc(scores: Floats, positive: Flags) -> float:
    """Area under the ROC curve: the chance that a positive scores above a negative, ties counting half."""
    ranks = stats.rankdata(scores)
    n1, n0 = int(positive.sum()), int((~positive).sum())
    return float((ranks[positive].sum() - n1 * (n1 + 1) / 2) / (n1 * n0))


def auc_interval(scores: Floats, positive: Flags, confidence: float, least: int = FEWEST) -> Json:
    """AUC with DeLong's interval on the logit scale, as JSON; fewer than ``least`` of either kind give none.

    Where the ranking is perfect (or perfectly wrong) DeLong's variance is 0 and says nothing; there the limit is the
    AUC at which the observed one would lie z standard errors off (Hanley-McNeil variance; Newcombe 2006, method 5).

    Source: DeLong et al., Biometrics 1988; the logit scale after Pepe 2003, section 5.2.5.
    """
    n1, n0 = int(positive.sum()), int((~positive).sum())
    if min(n1, n0) < least:
        return too_few(min(n1, n0), least)
    value, z = auc(scores, positive), float(stats.norm.ppf(0.5 + confidence / 2))
    if value in (0.0, 1.0):
        bound = _newcombe_bound(n1, n0, z)
        low, high = (bound, 1.0) if value == 1.0 else (0.0, 1 - bound)
        return Interval(value, low, high, n1 + n0).as_json()
    half = z * np.sqrt(_delong_variance(scores, positive)) / (value * (1 - value))
    centre = np.log(value / (1 - value))
    low, high = 1 / (1 + np.exp(-(centre - half))), 1 / (1 + np.exp(-(centre + half)))
    return Interval(value, float(low), float(high), n1 + n0).as_json()


def wins(scores: Floats, positive: Flags) -> Floats:
    """1 where a positive (rows) scores above a negative (columns), one half where they are equal: (n1, n0)."""
    p, q = np.asarray(scores[positive], np.float64), np.asarray(scores[~positive], np.float64)
    return (p[:, None] > q[None]) + 0.5 * (p[:, None] == q[None])


def placements(scores: Floats, positive: Flags) -> tuple[Floats, Floats]:
    """For each positive the share of negatives below it, for each negative the share of positives above it."""
    won = wins(scores, positive)
    return won.mean(axis=1), won.mean(axis=0)


def _delong_variance(scores: Floats, positive: Flags) -> float:
    of_positives, of_negatives = placements(scores, positive)
    return float(of_positives.var(ddof=1) / len(of_positives) + of_negatives.var(ddof=1) / len(of_negatives))


def _newcombe_bound(n1: int, n0: int, z: float) -> float:
    """The AUC below 1 from which an observed AUC of 1 lies exactly z standard errors away."""

    def gap(theta: float) -> float:
        pool = (n1 + n0) / 2 - 1
        inner = pool * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        return (1 - theta) - z * float(np.sqrt(theta * (1 - theta) * (1 + inner) / (n1 * n0)))

    return float(optimize.brentq(gap, 1e-9, 1 - 1e-9))


def auc_draws(scores: Floats, positive: Flags, rows: Rows) -> Floats:
    """AUC of each resample ``rows`` (B, n) -> (B,), for paired comparisons of two rankings of the same subjects."""
    ranks = stats.rankdata(scores[rows], axis=1)
    hits = positive[rows]
    n1 = hits.sum(axis=1)
    return ((ranks * hits).sum(axis=1) - n1 * (n1 + 1) / 2) / (n1 * (hits.shape[1] - n1))


def average_precision_draws(scores: Floats, positive: Flags, rows: Rows) -> Floats:
    """Average precision (AUCPR without interpolation) of each resample ``rows`` (B, n) -> (B,).

    Equal scores share one threshold, hence one precision: that of the last of them.
    """
    order = np.argsort(-scores[rows], axis=1, kind="stable")
    ranked = np.take_along_axis(scores[rows], order, axis=1)
    hits = np.take_along_axis(positive[rows], order, axis=1)
    n = ranked.shape[1]
    last = np.ones_like(hits)
    last[:, :-1] = ranked[:, :-1] != ranked[:, 1:]
    ends = np.where(last, np.arange(n), n - 1)
    ends = np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]  # where the group of equal scores ends
    precision = np.take_along_axis(hits.cumsum(axis=1), ends, axis=1) / (ends + 1)
    with np.errstate(invalid="ignore"):
        return (precision * hits).sum(axis=1) / hits.sum(axis=1)


def f1_draws(predicted: Flags, positive: Flags, rows: Rows) -> Floats:
    """F1 of each resample ``rows`` (B, n) -> (B,); 0 where nothing is found and nothing was there."""
    hits = (predicted & positive)[rows].sum(axis=1)
    total = predicted[rows].sum(axis=1) + positive[rows].sum(axis=1)
    return 2 * hits / np.maximum(total, 1)


def hedges_g(a: Floats, b: Floats, confidence: float) -> Json:
    """Standardised mean difference ``mean(a) - mean(b)``, small-sample corrected, with its interval, as JSON.

    Source: Hedges and Olkin 1985, chapter 5: g = J d, variance (n1 + n2) / (n1 n2) + g^2 / (2 (n1 + n2)).
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    n1, n2 = len(a), len(b)
    if min(n1, n2) < FEWEST:
        return too_few(min(n1, n2))
    pooled = np.sqrt(((n1 - 1) * a.var(ddof=1) + (n2 - 1) * b.var(ddof=1)) / (n1 + n2 - 2))
    if pooled == 0:
        return not_computed("both groups are constant")
    g = float((1 - 3 / (4 * (n1 + n2) - 9)) * (a.mean() - b.mean()) / pooled)
    half = float(stats.norm.ppf(0.5 + confidence / 2) * np.sqrt((n1 + n2) / (n1 * n2) + g**2 / (2 * (n1 + n2))))
    return Interval(g, g - half, g + half, n1 + n2).as_json()
