"""One native T1 made ready for learning: brain mask, N4, affine to MNI, the grid, the intensity convention.

The map is affine because a non-linear one would erase the atrophy that marks the disease. Intensities: the 0.5 to 99.5
percentiles inside the brain go to [0, 1], clipped; the background is exactly 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from tlesynth.data.preprocess.bias import corrected
from tlesynth.data.preprocess.brain_mask import find_brain
from tlesynth.data.preprocess.quality import Quality, measure
from tlesynth.data.preprocess.registration import register_affine
from tlesynth.data.resampling import FWHM, resample
from tlesynth.errors import fail
from tlesynth.recipe import Preprocess
from tlesynth.volume import GRIDS, Volume

PERCENTILES = (0.5, 99.5)
MARGIN_MM = 12.0


@dataclass(frozen=True, eq=False)
class Prepared:
    """A T1 on the grid: ``voxels`` in [0, 1] and ``mask`` bool, (X, Y, Z); ``to_native`` (4, 4) from MNI mm."""

    voxels: np.ndarray
    mask: np.ndarray
    to_native: np.ndarray
    quality: Quality
    mask_method: str


def prepare(scan: Volume, settings: Preprocess, *, seed: int = 0) -> Prepared:
    """Bring one native scan onto ``settings.grid``.

    Raises:
        TlesynthError: REG-001 if no brain is found or it does not match the template, REG-003 if ANTs fails.
    """
    grid = GRIDS[settings.grid]
    brain = find_brain(scan, settings.brain_mask, seed=seed)
    mask_ml = float(brain.voxels.sum() * np.prod(scan.spacing) / 1000)
    scan, native_mask = _cropped(scan, brain.voxels)
    if settings.n4:
        scan = corrected(scan, native_mask, settings.n4_shrink, seed=seed)
    to_native = register_affine(scan, native_mask, settings.registration_mm, seed=seed, least_dice=settings.least_dice)
    mask = resample(native_mask.astype(np.float32), scan.affine, to_native, grid) >= 0.5
    placed = resample(scan.voxels, scan.affine, to_native, grid, order=3)
    voxels = normalised(placed, mask)
    quality = measure(voxels, mask, to_native, mask_ml, grid)
    if settings.smooth_fwhm_mm > 0:
        voxels = smoothed(voxels, mask, settings.smooth_fwhm_mm, grid.spacing)
    return Prepared(voxels, mask, to_native, quality, brain.method)


def normalised(voxels: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Voxels (X, Y, Z) with the brain's 0.5 and 99.5 percentiles at 0 and 1, clipped, and 0 outside ``mask``.

    Raises:
        TlesynthError: REG-001 if the mask is empty or the brain has a single intensity.
    """
    if not mask.any():
        raise fail("REG-001", "", "no brain lies on the grid")
    low, high = np.percentile(voxels[mask], PERCENTILES)
    if not high > low:
        raise fail("REG-001", "", "the brain has a single intensity")
    return np.where(mask, np.clip((voxels - low) / (high - low), 0, 1), 0).astype(np.float32)


def smoothed(voxels: np.ndarray, mask: np.ndarray, fwhm_mm: float, spacing: float) -> np.ndarray:
    """Gaussian smoothing by ``fwhm_mm`` of voxels (X, Y, Z); the background stays 0."""
    return np.where(mask, ndimage.gaussian_filter(voxels, fwhm_mm / FWHM / spacing), 0).astype(np.float32)


def _cropped(scan: Volume, mask: np.ndarray) -> tuple[Volume, np.ndarray]:
    """The scan and its mask around the brain: a head with its neck is mostly not brain."""
    if not mask.any():
        raise fail("REG-001", "", "no brain was found")
    box = []
    for axis in range(3):
        used = np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {axis})))
        margin = int(np.ceil(MARGIN_MM / scan.spacing[axis]))
        box.append(slice(max(int(used[0]) - margin, 0), int(used[-1]) + margin + 1))
    affine = scan.affine.copy()
    affine[:3, 3] += scan.affine[:3, :3] @ [part.start for part in box]
    where = tuple(box)
    return Volume(np.ascontiguousarray(scan.voxels[where]), affine, scan.notes), np.ascontiguousarray(mask[where])
