"""One reader who says real or synthetic: sensitivity apart from inclination, which a hit rate alone cannot tell.

Source: Macmillan and Creelman, Detection Theory, 2nd ed., chapters 1 and 2; log-linear correction after Hautus 1995.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from tlesynth.metrics.statistics import FEWEST, Interval, Json, clopper_pearson, proportion, rounded, too_few

PAPER_HITS, PAPER_N = 7, 24
PAPER_ALARMS = (0, 2, 4, 7, 12, 17)
"""False alarms that the paper does not tell; each would mean something else."""


@dataclass(frozen=True)
class Counts:
    """Synthetic scans called synthetic, of how many; real scans called synthetic, of how many."""

    hits: int
    synthetic: int
    alarms: int
    real: int


DECIMALS = 9
"""Of d' and c: what sums to nothing is 0, not 1e-16."""


@dataclass(frozen=True)
class Sensitivity:
    """d' (0 is none), the criterion c (above 0 leans to real), and the AUC that d' implies with equal variances."""

    d_prime: float
    criterion: float
    implied_auc: float
    error: float
    """Standard error of d' (Gourevitch and Galanter 1967)."""


def sensitivity(counts: Counts) -> Sensitivity:
    """d' and c with half a hit and half a false alarm added to each count, so that 0 and all stay finite."""
    hit = (counts.hits + 0.5) / (counts.synthetic + 1)
    alarm = (counts.alarms + 0.5) / (counts.real + 1)
    z_hit, z_alarm = float(stats.norm.ppf(hit)), float(stats.norm.ppf(alarm))
    variance = sum(
        rate * (1 - rate) / (n * float(stats.norm.pdf(z)) ** 2)
        for rate, n, z in ((hit, counts.synthetic, z_hit), (alarm, counts.real, z_alarm))
    )
    d, c = (round(value, DECIMALS) + 0.0 for value in (z_hit - z_alarm, -(z_hit + z_alarm) / 2))
    return Sensitivity(d, c, float(stats.norm.cdf(d / np.sqrt(2))), float(np.sqrt(variance)))


def detection(counts: Counts, confidence: float) -> Json:
    """Everything counts tell of one reader, as JSON: rates with exact intervals, d', c, balanced accuracy."""
    if min(counts.synthetic, counts.real) < FEWEST:
        return too_few(min(counts.synthetic, counts.real))
    found, z = sensitivity(counts), float(stats.norm.ppf(0.5 + confidence / 2))
    n, half = counts.synthetic + counts.real, z * found.error
    return {
        "hits": counts.hits,
        "synthetic": counts.synthetic,
        "false_alarms": counts.alarms,
        "real": counts.real,
        "hit_rate": proportion(counts.hits, counts.synthetic, confidence),
        "false_alarm_rate": proportion(counts.alarms, counts.real, confidence),
        "balanced_accuracy": balanced_accuracy(counts, confidence).as_json(),
        "d_prime": Interval(found.d_prime, found.d_prime - half, found.d_prime + half, n).as_json(),
        "criterion": Interval(found.criterion, found.criterion - half / 2, found.criterion + half / 2, n).as_json(),
    }


def balanced_accuracy(counts: Counts, confidence: float) -> Interval:
    """Mean of the share of synthetic and the share of real scans called right, with its interval.

    The interval joins the exact ones of both shares (MOVER: Donner and Zou 2012).
    """
    shares = [
        clopper_pearson(counts.hits, counts.synthetic, confidence),
        clopper_pearson(counts.real - counts.alarms, counts.real, confidence),
    ]
    value = sum(s.value for s in shares) / 2
    low = value - np.sqrt(sum((s.value - s.low) ** 2 for s in shares)) / 2
    high = value + np.sqrt(sum((s.high - s.value) ** 2 for s in shares)) / 2
    return Interval(value, float(low), float(high), counts.synthetic + counts.real)


def difference(first: tuple[int, int], second: tuple[int, int], confidence: float) -> Interval:
    """Share ``first`` (right, of) minus share ``second``, with the interval joined from their exact ones (MOVER)."""
    a, b = clopper_pearson(*first, confidence), clopper_pearson(*second, confidence)
    low = a.value - b.value - np.sqrt((a.value - a.low) ** 2 + (b.high - b.value) ** 2)
    high = a.value - b.value + np.sqrt((a.high - a.value) ** 2 + (b.value - b.low) ** 2)
    return Interval(a.value - b.value, float(low), float(high), a.n + b.n)


def papers_statistic(confidence: float) -> Json:
    """The paper's 7 of 24 synthetic scans found, as JSON, and what it would mean with each number of false alarms."""
    would_be = []
    for alarms in PAPER_ALARMS:
        found = sensitivity(Counts(PAPER_HITS, PAPER_N, alarms, PAPER_N))
        would_be.append({"false_alarms": alarms, "d_prime": rounded(found.d_prime), "auc": rounded(found.implied_auc)})
    return {
        "hits": PAPER_HITS,
        "n": PAPER_N,
        "rate": clopper_pearson(PAPER_HITS, PAPER_N, confidence).as_json(),
        "p_against_half": rounded(float(stats.binomtest(PAPER_HITS, PAPER_N).pvalue)),
        "would_be": would_be,
    }
