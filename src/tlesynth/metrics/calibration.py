"""Do probabilities mean what they say? Brier score, expected calibration error, calibration slope and intercept.

Subjects are weighted as in ``metrics.weighted``: ``weights`` (B, n), results (B,).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tlesynth.metrics.weighted import share

Floats = NDArray[np.floating]
Flags = NDArray[np.bool_]
MOST_BINS, LEAST_PER_BIN = 10, 5
SURE = 1e-6
"""Probabilities nearer to 0 or 1 than this are taken for this."""
NEWTON_STEPS, SETTLED, STEEPEST = 25, 1e-7, 50.0


def brier(probabilities: Floats, positive: Flags, weights: Floats) -> Floats:
    """Mean squared distance of the probabilities (n,) from the truth (Brier 1950)."""
    return share(weights @ (probabilities - positive) ** 2, weights.sum(axis=1))


def expected_error(probabilities: Floats, positive: Flags, weights: Floats) -> Floats:
    """Expected calibration error over bins of equally many subjects: at most ten, at least five subjects in each.

    It is biased upwards where subjects are few: even perfect probabilities miss the share in a small bin.
    """
    order = np.argsort(probabilities, kind="stable")
    bins = np.array_split(order, max(1, min(MOST_BINS, len(order) // LEAST_PER_BIN)))
    gaps = [np.abs(weights[:, rows] @ (probabilities[rows] - positive[rows])) for rows in bins]
    return share(np.sum(gaps, axis=0), weights.sum(axis=1))


def slope_and_intercept(probabilities: Floats, positive: Flags, weights: Floats) -> tuple[Floats, Floats]:
    """The logistic regression of the truth on the probabilities' logits (Cox 1958): 1 and 0 are perfect.

    A slope below 1 is overconfidence. NaN where no finite curve fits: a class is missing, or the two are fully apart.
    """
    p = np.clip(np.asarray(probabilities, np.float64), SURE, 1 - SURE)
    basis = np.stack([np.log(p / (1 - p)), np.ones_like(p)], axis=1)  # (n, 2)
    truth = positive.astype(np.float64)
    curves = np.tile([1.0, 0.0], (len(weights), 1))
    apart = _apart(basis[:, 0], positive, weights)
    weights = np.where(apart[:, None], 0.0, weights)  # no curve fits them: let them rest
    with np.errstate(over="ignore"):
        for _ in range(NEWTON_STEPS):
            fitted = 1 / (1 + np.exp(-(curves @ basis.T)))  # (B, n)
            pull = (weights * (truth - fitted)) @ basis
            bend = np.einsum("bn,ni,nj->bij", weights * fitted * (1 - fitted), basis, basis) + 1e-12 * np.eye(2)
            step = np.clip(np.linalg.solve(bend, pull[..., None])[..., 0], -5, 5)
            curves = curves + step
            if np.abs(step).max() < SETTLED:
                break
    curves[apart | (np.abs(curves).max(axis=1) > STEEPEST)] = np.nan
    return curves[:, 0], curves[:, 1]


def _apart(logits: Floats, positive: Flags, weights: Floats) -> Flags:
    """Which resamplings have no pair of the two classes in the wrong order, or none in the right one, or one class."""
    drawn = weights > 0
    low1, low0 = (np.where(drawn & side, logits, np.inf).min(axis=1) for side in (positive, ~positive))
    high1, high0 = (np.where(drawn & side, logits, -np.inf).max(axis=1) for side in (positive, ~positive))
    return (low1 >= high0) | (high1 <= low0)
