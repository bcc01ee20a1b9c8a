"""How well a measure follows a known quantity: bias and limits of agreement (Bland and Altman 1986), slope and r."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tlesynth.metrics.statistics import Floats, Json, Resampling, Rows, bootstrap, not_computed, too_few

LEAST = 5
"""Fewer subjects give no agreement."""


def agreement(known: Floats, measured: Floats, how: Resampling) -> Json:
    """``measured`` against ``known``, both (n,) or (n, K) with K values a subject, as JSON.

    ``bias_percent``, ``lower_percent`` and ``upper_percent`` (bias -+ 1.96 SD) are of 100 (measured / known - 1);
    ``slope`` is the least-squares slope of measured on known: below 1 the measure dilutes differences.
    """
    n = len(known)
    if n < LEAST:
        return too_few(n, LEAST)
    if np.std(known) == 0 or np.std(measured) == 0:
        return not_computed("one of the two does not vary")
    x, y = (np.asarray(v, np.float64).reshape(n, -1) for v in (known, measured))
    error = 100 * (y / x - 1)

    def limit(sign: int) -> Callable[[Rows], Floats]:
        return lambda rows: _flat(error, rows).mean(axis=1) + sign * 1.96 * _flat(error, rows).std(axis=1, ddof=1)

    statistics: dict[str, Callable[[Rows], Floats]] = {
        "bias_percent": limit(0),
        "lower_percent": limit(-1),
        "upper_percent": limit(1),
        "slope": lambda rows: slopes(_flat(x, rows), _flat(y, rows)),
        "correlation": lambda rows: correlations(_flat(x, rows), _flat(y, rows)),
    }
    return {name: bootstrap(statistic, (n,), how) for name, statistic in statistics.items()}


def slopes(x: Floats, y: Floats) -> Floats:
    """Least-squares slope of each row of ``y`` (B, n) on ``x``: (B,); NaN where x does not vary."""
    x, y = x - x.mean(axis=-1, keepdims=True), y - y.mean(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (x * y).sum(axis=-1) / (x * x).sum(axis=-1)


def correlations(x: Floats, y: Floats) -> Floats:
    """Pearson's r of each row of ``y`` (B, n) with ``x``: (B,); NaN where either does not vary."""
    x, y = x - x.mean(axis=-1, keepdims=True), y - y.mean(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (x * y).sum(axis=-1) / np.sqrt((x * x).sum(axis=-1) * (y * y).sum(axis=-1))


def _flat(values: Floats, rows: Rows) -> Floats:
    """The values (n, K) of resampled subjects ``rows`` (B, n): (B, n K)."""
    return values[rows].reshape(len(rows), -1)
