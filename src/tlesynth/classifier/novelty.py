"""Whether a scan looks like those a classifier learned from: the distance of its coarse picture from theirs.

A scan is described by the mean and the standard deviation of each block of 12 mm: where tissue lies and how bright it
is, how sharp and how noisy. The description's distance counts the leading directions in which training scans differ by
how much they differ there, and all others together (probabilistic principal components). The network's own features are
not asked: trained to tell two classes, they may not see what is wrong with a scan.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from tlesynth.classifier.scan_set import ScanSet
from tlesynth.classifier.tensors import fitted_of, tensors_of

Floats = NDArray[np.float64]
BLOCK_MM = 12.0
MOST_DIRECTIONS = 10
SCANS_A_DIRECTION = 4
"""Training scans for each direction that is told apart, at least."""
FALSE_ALARMS = 0.05
"""Wanted share of scans like those of val that are flagged."""
SMALLEST_SPREAD = 0.01


@dataclass(frozen=True, eq=False)
class Novelty:
    """A mean description (F,), leading directions (K, F) and their standard deviations (K,), that of the rest, and the
    distance from which a scan is flagged."""

    spacing: float
    centre: Floats
    scale: Floats
    directions: Floats
    spreads: Floats
    rest: float
    threshold: float

    def distances(self, volumes: NDArray[np.floating]) -> Floats:
        """How far volumes (N, X, Y, Z) lie from the training scans, (N,); about 1 for scans like them."""
        return self._distances(np.stack([described(volume, self.spacing) for volume in volumes]))

    def _distances(self, descriptions: Floats) -> Floats:
        z = (descriptions - self.centre) / self.scale
        along = z @ self.directions.T  # (N, K)
        left = z - along @ self.directions
        squares = np.concatenate([(along / self.spreads) ** 2, (left**2).mean(axis=1, keepdims=True) / self.rest**2], 1)
        return np.sqrt(squares.mean(axis=1))

    def tensors(self) -> dict[str, Tensor]:
        """All of it, by name."""
        return tensors_of(self)

    @classmethod
    def from_tensors(cls, tensors: dict[str, Tensor]) -> Novelty:
        """What ``tensors`` gave; KeyError if one is missing."""
        return fitted_of(cls, tensors)


def novelty_of(training: ScanSet, validation: ScanSet) -> Novelty:
    """The distance from ``training``, whose threshold flags one in twenty scans like those of ``validation``.

    Fewer than 20 validation scans cannot say which distance that is: then their largest is the threshold, and about one
    in n + 1 scans like them is flagged.
    """
    spacing = training.grid.spacing
    known, judged = (_descriptions(scans) for scans in (training, validation))
    centre = known.mean(axis=0)
    scale = np.maximum(known.std(axis=0), SMALLEST_SPREAD)
    z = (known - centre) / scale
    count = max(1, min(MOST_DIRECTIONS, len(z) // SCANS_A_DIRECTION))
    _, singular, directions = np.linalg.svd(z, full_matrices=False)
    count = min(count, len(singular))
    spreads = np.maximum(singular[:count] / np.sqrt(max(len(z) - 1, 1)), 1e-6)
    # In the rest, training scans lie nearer to their own mean than new ones do: val says how far those are.
    left = (judged - centre) / scale
    left = left - left @ directions[:count].T @ directions[:count]
    rest = max(float(np.sqrt((left**2).mean())), 1e-6)
    fitted = Novelty(spacing, centre, scale, directions[:count], spreads, rest, np.inf)
    found = np.sort(fitted._distances(judged))
    return replace(fitted, threshold=float(found[_threshold_place(len(found))]))


def false_alarms(n: int) -> float:
    """Share of scans like the ``n`` of validation that are flagged, on average."""
    return 1 - (_threshold_place(n) + 1) / (n + 1)


def _threshold_place(n: int) -> int:
    """Which of ``n`` sorted distances is the threshold."""
    return min(n - 1, int(np.ceil((1 - FALSE_ALARMS) * (n + 1))) - 1)


def described(volume: NDArray[np.floating], spacing: float) -> Floats:
    """Means, then standard deviations, of the blocks of 12 mm of a volume (X, Y, Z) on [0, 1]: (F,)."""
    side = max(1, round(BLOCK_MM / spacing))
    counts = [n // side for n in volume.shape]
    cut = np.asarray(volume[tuple(slice(n * side) for n in counts)], np.float32)
    blocks = cut.reshape(counts[0], side, counts[1], side, counts[2], side)
    means, spreads = blocks.mean(axis=(1, 3, 5)), blocks.std(axis=(1, 3, 5))
    return np.concatenate([means.ravel(), spreads.ravel()]).astype(np.float64)


def _descriptions(scans: ScanSet) -> Floats:
    return np.stack([described(scans.volumes([place])[0], scans.grid.spacing) for place in range(len(scans))])
