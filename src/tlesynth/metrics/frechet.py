"""The Frechet distance between two sets of feature vectors, with a covariance that few subjects can carry.

Its bias grows as sets shrink, so a distance means something only beside its floor: the distance between two sets of
real scans of the same sizes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tlesynth.metrics.statistics import (
    LEAST_SET,
    Json,
    Resampling,
    not_computed,
    rounded,
    spread_interval,
    too_few,
)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Gaussian:
    """Mean (..., F) and covariance (..., F, F) of feature vectors; leading axes are resamples."""

    mean: Floats
    covariance: Floats


def gaussian_of(features: Floats) -> Gaussian:
    """The Gaussian of ``features`` (..., N, F), its covariance shrunk towards a scaled identity.

    The amount is the oracle-approximating shrinkage's: near 1 for few subjects, 0 for many. Without it the covariance
    of fewer subjects than features is singular, and the distance would mostly measure that.

    Source: Chen, Wiesel, Eldar and Hero, IEEE TSP 2010, equation 23.
    """
    n, size = features.shape[-2:]
    mean = features.mean(axis=-2)
    centred = features - mean[..., None, :]
    covariance = np.swapaxes(centred, -1, -2) @ centred / n
    scale = np.trace(covariance, axis1=-2, axis2=-1) / size
    power, square = (covariance**2).mean(axis=(-2, -1)), scale**2
    down = (n + 1) * (power - square / size)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(down > 0, np.minimum(1.0, (power + square) / down), 1.0)[..., None, None]
    return Gaussian(mean, (1 - share) * covariance + share * scale[..., None, None] * np.eye(size))


def frechet_distance(a: Gaussian, b: Gaussian) -> Floats:
    """||m_a - m_b||^2 + tr(A + B - 2 (A B)^(1/2)), shape (...), never below 0.

    Source: Dowson and Landau 1982, equation 4; the root's trace through the symmetric A^(1/2) B A^(1/2).
    """
    values, vectors = np.linalg.eigh(a.covariance)
    root = (vectors * np.sqrt(np.maximum(values, 0))[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    crossed = np.linalg.eigvalsh(root @ b.covariance @ root)
    trace = np.trace(a.covariance + b.covariance, axis1=-2, axis2=-1)
    distance = ((a.mean - b.mean) ** 2).sum(axis=-1) + trace - 2 * np.sqrt(np.maximum(crossed, 0)).sum(axis=-1)
    return np.maximum(distance, 0.0)


def distance_interval(subjects: Floats, reference: Floats, n: int, how: Resampling, draws: int = 50) -> Json:
    """Distance of ``n`` of the ``subjects`` (N, F) to the ``reference`` (M, F), with its interval, as JSON.

    Where there are more than ``n`` the value is the mean over ``draws`` random choices of them, so that two distances
    of sets of different sizes can be compared at the size that both have.
    """
    if min(n, len(subjects), len(reference)) < LEAST_SET:
        return too_few(min(n, len(subjects), len(reference)), LEAST_SET)
    tries = draws if n < len(subjects) else 1
    choices = np.argsort(how.generator.random((tries, len(subjects))), axis=1)[:, :n]
    value = frechet_distance(gaussian_of(subjects[choices]), gaussian_of(reference)).mean()
    rows = how.generator.integers(0, len(subjects), (how.resamples, n))
    spread = frechet_distance(gaussian_of(subjects[rows]), gaussian_of(reference[how.subjects(len(reference))]))
    return spread_interval(float(value), spread, n + len(reference), how)


def against_floor(synthetic: Floats, training: Floats, reference: Floats, how: Resampling) -> Json:
    """Distance of the synthetic subjects to the reference, and its floor: that of as many real training subjects.

    All (N, F). Both distances are taken at the same size, the smaller of the two sets'; ``ratio`` is value over floor.
    """
    n = min(len(synthetic), len(training))
    value = distance_interval(synthetic, reference, n, how)
    floor = distance_interval(training, reference, n, how)
    known = "value" in value and "value" in floor and floor["value"] > 0
    ratio = rounded(value["value"] / floor["value"]) if known else not_computed("the distance or its floor is missing")
    return {"value": value, "floor": floor, "ratio": ratio, "n_real": len(reference), "n_synthetic": n}
