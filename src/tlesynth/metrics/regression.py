"""Least squares of many measures on a few covariates, for many resamples of the subjects at once."""

from __future__ import annotations

import numpy as np

from tlesynth.metrics.statistics import Floats, Resampling


def times_drawn(n: int, how: Resampling) -> Floats:
    """How often each of ``n`` subjects counts: once each in row 0, then as often as a resample draws it, (1 + B, n)."""
    drawn = how.subjects(n)
    counts = np.stack([np.bincount(rows, minlength=n) for rows in drawn])
    return np.concatenate([np.ones((1, n)), counts])


def coefficients(covariates: Floats, measures: Floats, times: Floats) -> Floats:
    """Weighted least-squares slopes (B, K, M) of ``measures`` (n, M) on ``covariates`` (n, K), with an intercept.

    Row b weighs the subjects by ``times`` (B, n). Where a resample lacks a covariate's variation, its slope is 0.
    """
    weights = times / times.sum(axis=1, keepdims=True)
    x = covariates[None] - (weights @ covariates)[:, None]  # (B, n, K)
    y = measures[None] - (weights @ measures)[:, None]  # (B, n, M)
    weighted = (x * weights[..., None]).transpose(0, 2, 1)  # (B, K, n)
    return np.linalg.pinv(weighted @ x, hermitian=True) @ (weighted @ y)
