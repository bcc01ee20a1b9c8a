"""How far drawn latents lie from real ones: the Frechet distance in the principal components of the training latents.

Latents have far more numbers than there are scans, so the distance is taken between their projections on the first
principal components of the training scans, mirrored ones included, each component in units of its own standard
deviation there. It is our own distance, not the FID of images; a figure means something beside its floor, the distance
of as many training scans to the same validation scans. Beside few training scans a collapsed model can look better than
they do: along their components new scans hardly vary.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from tlesynth.diffusion.latents import Latents
from tlesynth.metrics.frechet import frechet_distance, gaussian_of

MOST_COMPONENTS = 24

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ruler:
    """Principal components of the training latents, and the held-out latents measured by them."""

    mean: NDArray[np.float32]
    components: NDArray[np.float32]
    """(F, C X Y Z), each scaled so that the training scans have unit variance along it."""
    reference: Floats
    training: Floats

    def features(self, latents: Tensor) -> Floats:
        """Projections (N, F) of ``latents`` (N, C, X, Y, Z)."""
        return ((_rows(latents) - self.mean) @ self.components.T).astype(np.float64)

    def distance(self, latents: Tensor) -> float:
        """The Frechet distance of ``latents`` (N, C, X, Y, Z) to the held-out ones."""
        return _distance(self.features(latents), self.reference)

    def floor(self, n: int, generator: np.random.Generator, draws: int = 20) -> float:
        """The distance of ``n`` training scans, chosen at random, to the held-out ones: the mean of ``draws``."""
        n = min(n, len(self.training))
        chosen = [generator.choice(len(self.training), n, replace=False) for _ in range(draws)]
        return float(np.mean([_distance(self.training[rows], self.reference) for rows in chosen]))


def ruler_of(fitted: Latents, held_out: Latents) -> Ruler:
    """A ruler from the training latents and the validation latents."""
    rows = _rows(fitted.values)
    mean = rows.mean(0)
    centred = rows - mean
    # Of N scans by D numbers with N far below D: the components come from the N by N products.
    values, vectors = np.linalg.eigh((centred @ centred.T).astype(np.float64) / len(rows))
    order = np.argsort(values)[::-1][: min(MOST_COMPONENTS, len(rows) - 1)]
    order = order[values[order] > 1e-9 * values.max()]
    components = (vectors[:, order] / values[order]).T.astype(np.float32) @ centred / np.float32(len(rows) ** 0.5)
    ruler = Ruler(mean, components, np.empty((0, len(order))), np.empty((0, len(order))))
    return Ruler(mean, components, ruler.features(held_out.values), ruler.features(fitted.values))


def _distance(a: Floats, b: Floats) -> float:
    return float(frechet_distance(gaussian_of(a), gaussian_of(b)))


def _rows(latents: Tensor) -> NDArray[np.float32]:
    return latents.flatten(1).float().cpu().numpy()
