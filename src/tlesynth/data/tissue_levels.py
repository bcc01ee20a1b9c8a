"""Mean intensities of the three tissues from one T1 alone, real or synthetic: a mixture fitted to its histogram."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 256
SWEEPS = 60
START_QUANTILES = (0.06, 0.40, 0.82)
START_SHARES = (0.12, 0.52, 0.36)
"""Shares of CSF, grey and white matter inside a brain mask; the fit only starts from them."""


@dataclass(frozen=True)
class Tissues:
    """Mean T1 intensity of CSF, grey and white matter on [0, 1], rising."""

    csf: float
    grey: float
    white: float


def tissue_shares(volume: NDArray[np.floating], levels: Tissues) -> tuple[NDArray[np.floating], ...]:
    """Shares of CSF, grey and white matter in each voxel, each like ``volume``, all 0 where it is 0 (background).

    A voxel between two means is a mixture of those two tissues.
    """
    brain = volume > 0
    csf = np.clip((levels.grey - volume) / (levels.grey - levels.csf), 0, 1) * brain
    white = np.clip((volume - levels.grey) / (levels.white - levels.grey), 0, 1) * brain
    return csf, brain - csf - white, white


def fit_tissues(inside: NDArray[np.floating]) -> Tissues | None:
    """Three Gaussians fitted to the intensities of a brain (N,) by expectation-maximisation on their histogram.

    None where the intensities do not fall into three classes (an empty or a nearly constant volume).
    """
    if inside.size < 1000 or float(inside.max() - inside.min()) < 0.05:
        return None
    counts, edges = np.histogram(inside, BINS)
    centres = (edges[1:] + edges[:-1]) / 2
    means = np.quantile(inside, START_QUANTILES)
    spreads, shares = np.full(3, float(inside.std()) / 3), np.array(START_SHARES)
    narrowest = 2 * (edges[1] - edges[0])
    for _ in range(SWEEPS):
        density = shares * np.exp(-0.5 * ((centres[:, None] - means) / spreads) ** 2) / spreads  # (bins, 3)
        weight = counts[:, None] * density / np.maximum(density.sum(axis=1, keepdims=True), 1e-30)
        total = np.maximum(weight.sum(axis=0), 1e-9)
        means = (weight * centres[:, None]).sum(axis=0) / total
        variance = (weight * (centres[:, None] - means) ** 2).sum(axis=0) / total
        spreads, shares = np.maximum(np.sqrt(variance), narrowest), total / counts.sum()
    csf, grey, white = np.sort(means)
    if min(grey - csf, white - grey) < 2 * narrowest:
        return None
    return Tissues(float(csf), float(grey), float(white))
