"""The mean of several readers who judged the same scans, so that it holds for other readers and other scans.

Readers' figures vary with the reader and share the luck of the scans; both are estimated (Obuchowski and Rockette 1995,
with the degrees of freedom of Hillis 2007, for one kind of reading against a fixed value).

Source: Hillis, Stat Med 2007 and 2014; covariances of AUCs after DeLong et al. 1988.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from tlesynth.metrics.statistics import (
    FEWEST,
    Flags,
    Floats,
    Interval,
    Json,
    auc,
    auc_interval,
    placements,
    proportion,
    rounded,
    too_few,
)


@dataclass(frozen=True)
class Readings:
    """A figure of each reader (R,) and the covariance (R, R) that it owes to the ``n`` scans."""

    values: Floats
    covariance: Floats
    n: int
    first: Json
    """The first reader's interval, which stands where nothing varies: all right, or all wrong."""


def of_ratings(ratings: Floats, positive: Flags, confidence: float) -> Readings:
    """The AUC of each reader's ``ratings`` (R, n), with DeLong's covariances."""
    of_positives, of_negatives = zip(*(placements(scores, positive) for scores in ratings), strict=True)
    n1, n0 = int(positive.sum()), int((~positive).sum())
    covariance = np.cov(of_positives).reshape(len(ratings), -1) / n1
    covariance = covariance + np.cov(of_negatives).reshape(len(ratings), -1) / n0
    values = np.array([auc(scores, positive) for scores in ratings])
    return Readings(values, covariance, n1 + n0, auc_interval(ratings[0], positive, confidence))


def of_shares(right: Floats, confidence: float) -> Readings:
    """The share of right answers of each reader, from ``right`` (R, n) of 0 and 1."""
    n = right.shape[1]
    covariance = np.cov(right).reshape(len(right), -1) / n
    return Readings(right.mean(axis=1), covariance, n, proportion(int(right[0].sum()), n, confidence))


def random_readers(readings: Readings, confidence: float, null: float = 0.5) -> Json:
    """The readers' mean with the interval for other readers and scans, and p against ``null``, as JSON.

    V = (MS(R) + max(R Cov2, 0)) / R, with ((MS(R) + max(R Cov2, 0)) / MS(R))^2 (R - 1) degrees of freedom; MS(R) is the
    variance between readers and Cov2 the mean covariance of two.
    """
    r = len(readings.values)
    if r < 2:
        return readings.first | {"readers": r, "note": "one reader: nothing is said of others"}
    if readings.n < FEWEST:
        return too_few(readings.n)
    mean, between = float(readings.values.mean()), float(readings.values.var(ddof=1))
    shared = float((readings.covariance.sum() - np.trace(readings.covariance)) / (r * (r - 1)))
    both = between + max(r * shared, 0.0)
    if both <= 1e-12:
        return readings.first | {"readers": r, "note": "nothing varies: the interval of one reader"}
    freedom = (both / between) ** 2 * (r - 1) if between > 0 else np.inf
    error = np.sqrt(both / r)
    half = float(stats.t.ppf(0.5 + confidence / 2, freedom)) * error
    p = 2 * float(stats.t.sf(abs(mean - null) / error, freedom))
    found = Interval(mean, max(0.0, mean - half), min(1.0, mean + half), readings.n).as_json()
    return found | {"p": rounded(p), "readers": r, "df": rounded(float(min(freedom, 1e6)))}


def verdict(interval: Json, margin: float, null: float = 0.5) -> str:
    """What an interval says of chance: ``chance``, ``above chance``, ``below chance`` or ``undecided``.

    ``chance`` needs the whole interval within ``margin`` of ``null``; that it merely holds ``null`` is not enough. An
    interval within the margin that leaves out ``null`` is ``chance`` too: the difference is too small to matter.
    """
    if "value" not in interval:
        return "undecided"
    if interval["low"] > null - margin and interval["high"] < null + margin:
        return "chance"
    if interval["low"] > null:
        return "above chance"
    return "below chance" if interval["high"] < null else "undecided"
