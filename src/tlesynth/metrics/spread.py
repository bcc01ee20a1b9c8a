"""Whether two sets of subjects spread alike: ratio of their deviations, and distances between their distributions."""

from __future__ import annotations

import numpy as np
from scipy import stats

from tlesynth.metrics.statistics import Floats, Interval, Json, Resampling, Rows, not_computed, rounded, spread_interval


def deviation_ratio(a: Floats, b: Floats, how: Resampling) -> Json:
    """Standard deviation of ``a`` (n,) over that of ``b`` (m,), with its bootstrap interval, as JSON.

    A resample's variance is (n - 1) / n of its sample's on average; the draws are freed of that.
    """
    if np.std(a) == 0 or np.std(b) == 0:
        return not_computed("one of the two does not vary")
    first, second = (v[how.subjects(len(v))].std(axis=1) * len(v) / (len(v) - 1) for v in (a, b))
    with np.errstate(invalid="ignore", divide="ignore"):
        draws = np.where(second > 0, first / second, np.nan)
    value = float(np.std(a, ddof=1) / np.std(b, ddof=1))
    return Interval(value, *how.limits(draws), len(a) + len(b)).as_json()


def kolmogorov_smirnov(a: Floats, b: Floats, how: Resampling) -> Json:
    """Largest gap between the distribution functions of ``a`` and ``b``, with its p value, as JSON."""
    gap, _ = _gap(a, b, how)
    found = spread_interval(float(gap[0].max()), gap[1:].max(axis=1), len(a) + len(b), how)
    return found | {"p": rounded(float(stats.ks_2samp(a, b).pvalue))}


def wasserstein(a: Floats, b: Floats, how: Resampling) -> Json:
    """Area between the distribution functions of ``a`` and ``b``, in standard deviations of ``b``, as JSON."""
    unit = float(np.std(b, ddof=1))
    if unit == 0:
        return not_computed("the real scans do not vary")
    gap, steps = _gap(a, b, how)
    area = gap @ steps / unit
    return spread_interval(float(area[0]), area[1:], len(a) + len(b), how)


def _gap(a: Floats, b: Floats, how: Resampling) -> tuple[Floats, Floats]:
    """|F_a - F_b| of the sets themselves, then of each resample, at the pooled values but the last; their spacings."""
    support = np.unique(np.concatenate([a, b]))
    functions = [_function(v, support[:-1], np.vstack([np.arange(len(v)), how.subjects(len(v))])) for v in (a, b)]
    return np.abs(functions[0] - functions[1]), np.diff(support)


def _function(values: Floats, support: Floats, rows: Rows) -> Floats:
    """Share of each resample ``rows`` (B, n) of ``values`` at or below each point of ``support`` (S,): (B, S)."""
    n = len(values)
    order = np.argsort(values, kind="stable")
    rank = np.argsort(order, kind="stable")
    flat = (np.arange(len(rows))[:, None] * n + rank[rows]).ravel()
    drawn = np.bincount(flat, minlength=rows.size).reshape(rows.shape)  # how often each sorted value was drawn
    share = np.concatenate([np.zeros((len(rows), 1)), drawn.cumsum(axis=1) / n], axis=1)
    return share[:, np.searchsorted(values[order], support, side="right")]
