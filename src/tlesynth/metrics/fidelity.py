"""How faithful a reconstruction is to its original, per subject: in the whole volume, the brain and the hippocampi."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tlesynth.data.anatomy import SIDES, hippocampus_radius
from tlesynth.metrics.similarity import ssim
from tlesynth.volume import Grid


@dataclass(frozen=True)
class Fidelity:
    """Errors of one reconstruction; intensities are on [0, 1]. NaN where there is no voxel to measure."""

    l1: float
    l1_brain: float
    l1_hippocampus: float
    psnr_db: float
    psnr_brain_db: float
    ssim: float


def fidelity(original: NDArray[np.floating], reconstruction: NDArray[np.floating], grid: Grid) -> Fidelity:
    """Compare two volumes (X, Y, Z) on [0, 1]; brain is where the original is above 0, hippocampi are the tubes."""
    original, reconstruction = (np.asarray(v, dtype=np.float32) for v in (original, reconstruction))
    error = np.abs(original - reconstruction)
    brain = original > 0
    tubes = hippocampal_region(grid) & brain
    return Fidelity(
        l1=_mean(error),
        l1_brain=_mean(error[brain]),
        l1_hippocampus=_mean(error[tubes]),
        psnr_db=psnr(_mean(error**2)),
        psnr_brain_db=psnr(_mean(error[brain] ** 2)),
        ssim=ssim(original, reconstruction),
    )


def psnr(mean_square_error: float) -> float:
    """Peak signal-to-noise ratio in dB for a data range of 1; 100 where there is no error, NaN of NaN."""
    if np.isnan(mean_square_error):
        return float("nan")
    return float(min(-10 * np.log10(max(mean_square_error, 1e-10)), 100.0))


def _mean(values: NDArray[np.float32]) -> float:
    """Of no voxels it is not 0, which would be a perfect score."""
    return float(values.mean(dtype=np.float64)) if values.size else float("nan")


@lru_cache(maxsize=4)
def hippocampal_region(grid: Grid) -> NDArray[np.bool_]:
    """Where the two hippocampal tubes of the template lie, (X, Y, Z)."""
    world = grid.world()
    return np.logical_or(*(hippocampus_radius(world, side) <= 1 for side in SIDES))
