"""From a classifier's logits to probabilities that can be believed, by the validation scans.

The temperature T divides the logit (Guo et al. 2017): it makes a classifier as sure as it is right, and never changes a
ranking or a decision at one half. The interval says how well so few scans tell the probability: the curve
sigmoid(a z + b) is fitted anew to scans drawn with replacement, within each class. Targets are Platt's (1999),
(n + 1) / (n + 2) instead of 1, so that a classifier that makes no error on eight scans is not taken for infallible.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit

from tlesynth.seeds import generator

Floats = NDArray[np.float64]
DRAWS = 200
COLDEST, HOTTEST = 0.02, 50.0
PRIOR_SD = 5.0
"""How far, a priori, a curve strays from the temperature's, per standard deviation of the logits: resampled scans that
can be told apart without error still have one."""
NEWTON_STEPS = 12


@dataclass(frozen=True, eq=False)
class Calibration:
    """A temperature, and curves sigmoid(a z + b) of resampled validation scans: (a, b) (D, 2)."""

    temperature: float
    curves: Floats

    def probabilities(self, logits: Floats) -> Floats:
        """Calibrated probability of the positive class, (N,)."""
        return expit(np.asarray(logits, np.float64) / self.temperature)

    def drawn(self, logits: Floats) -> Floats:
        """The share of positives among scans of these logits, by each curve: (D, N)."""
        return expit(self.curves[:, :1] * np.asarray(logits, np.float64) + self.curves[:, 1:])


def intervals(probabilities: Floats, drawn: Floats, confidence: float = 0.95) -> Floats:
    """Lower and upper end, (N, 2), of probabilities (N,) by what was drawn of each, (D, N), by one classifier or more.

    They hold the probability itself: where the mere temperature misses the curves, they reach out to it. Of one
    classifier they know how few validation scans there were, not that other training scans, or another seed, would have
    made another classifier; of several, trained with other seeds or scans, they know that too.
    """
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    return np.stack([np.minimum(low, probabilities), np.maximum(high, probabilities)], axis=1)


def calibrated(logits: Floats, positive: NDArray[np.bool_], seed: int) -> Calibration:
    """Fit the temperature and its curves to validation logits (N,) of both classes."""
    logits, positive = np.asarray(logits, np.float64), np.asarray(positive, bool)
    targets = platt_targets(positive)
    found = minimize_scalar(
        lambda log_t: cross_entropy(logits / np.exp(log_t), targets),
        bounds=(np.log(COLDEST), np.log(HOTTEST)),
        method="bounded",
    )
    temperature = float(np.exp(found.x))
    return Calibration(temperature, _curves(logits, temperature, positive, seed))


def platt_targets(positive: NDArray[np.bool_]) -> Floats:
    """What each scan's probability is fitted to: 1 and 0, drawn in by one imagined scan of the other class."""
    n1, n0 = int(positive.sum()), int((~positive).sum())
    return np.where(positive, (n1 + 1) / (n1 + 2), 1 / (n0 + 2))


def cross_entropy(logits: Floats, targets: Floats) -> float:
    """Mean cross-entropy of sigmoid(logits) against targets in [0, 1]."""
    return float(np.mean(np.logaddexp(0, logits) - targets * logits))


def _curves(logits: Floats, temperature: float, positive: NDArray[np.bool_], seed: int) -> Floats:
    """(a, b) of ``DRAWS`` resamplings, (D, 2), each by Newton's method from the temperature's curve."""
    weights, targets = _resampled(positive, seed), platt_targets(positive)
    centre, spread = float(logits.mean()), max(float(logits.std()), 1e-9)
    z = (logits - centre) / spread
    start = np.array([spread, centre]) / temperature
    slope, height = (np.full(DRAWS, value) for value in start)
    prior = 1 / PRIOR_SD**2
    for _ in range(NEWTON_STEPS):
        p = expit(np.outer(slope, z) + height[:, None])  # (D, N)
        miss, sure = weights * (p - targets), weights * p * (1 - p)
        g1, g0 = miss @ z + prior * (slope - start[0]), miss.sum(axis=1) + prior * (height - start[1])
        h11, h10, h00 = sure @ z**2 + prior, sure @ z, sure.sum(axis=1) + prior
        determinant = h11 * h00 - h10**2
        # Newton's step is right near the end; far from it, it must not leap.
        slope = slope - np.clip((h00 * g1 - h10 * g0) / determinant, -2, 2)
        height = height - np.clip((h11 * g0 - h10 * g1) / determinant, -2, 2)
    return np.stack([slope / spread, height - slope * centre / spread], axis=1)


def _resampled(positive: NDArray[np.bool_], seed: int) -> Floats:
    """How often each scan is drawn, with replacement within its class: (D, N)."""
    rng, weights = generator(seed, "classifier", "calibration"), np.zeros((DRAWS, len(positive)))
    for members in (np.flatnonzero(positive), np.flatnonzero(~positive)):
        weights[:, members] = rng.multinomial(len(members), np.full(len(members), 1 / len(members)), DRAWS)
    return weights
