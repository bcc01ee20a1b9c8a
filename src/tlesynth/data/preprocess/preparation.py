"""One native T1 made ready for learning: brain mask, N4, affine to MNI, the grid, the intensity convention, tissues.

The map is affine because a non-linear one would erase the atrophy that marks the disease; the paper's non-linear T1
is the mode ``nonlinear``. Intensities: the 0.5 to 99.5
percentiles inside the brain go to [0, 1], clipped; the background is exactly 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import ndimage

from tlesynth.data.preprocess.bias import bias_field, corrected
from tlesynth.data.preprocess.brain_mask import find_brain, foreground, is_extracted
from tlesynth.data.preprocess.denoise import denoised
from tlesynth.data.preprocess.face import VISIBLE, face_share
from tlesynth.data.preprocess.quality import Native, Quality, measure
from tlesynth.data.preprocess.registration import register_affine
from tlesynth.data.preprocess.tissue import Tissues, estimated, segmented
from tlesynth.data.preprocess.volumes import by_jacobian, by_registration, by_tissue
from tlesynth.data.resampling import FWHM, resample
from tlesynth.errors import fail
from tlesynth.recipe import Preprocess
from tlesynth.volume import GRIDS, Grid, Volume

PERCENTILES = (0.5, 99.5)
MARGIN_MM = 12.0


@dataclass(frozen=True, eq=False)
class Prepared:
    """A T1 on the grid: ``voxels`` in [0, 1] and ``mask`` bool, (X, Y, Z); ``to_native`` (4, 4) from MNI mm.

    ``maps`` (X, Y, Z) lie where the T1 lies: gm, wm and csf in [0, 1]; of the non-linear branch, on the template,
    jacobian (local volume ratio), mwgm and smwgm (modulated grey matter, plain and smoothed). ``volumes`` are in mm3.
    """

    voxels: np.ndarray
    mask: np.ndarray
    to_native: np.ndarray
    quality: Quality
    mask_method: str
    maps: dict[str, np.ndarray] = field(default_factory=dict)
    volumes: dict[str, float] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    """More that the sidecar should say."""


@dataclass(frozen=True, eq=False)
class _Native:
    """A corrected scan cropped around its brain; the mask (X, Y, Z) bool; what quality control wants of the whole."""

    scan: Volume
    mask: np.ndarray
    whole: Native
    mask_method: str

    @property
    def mask_ml(self) -> float:
        return float(self.mask.sum() * np.prod(self.scan.spacing) / 1000)


def prepare(scan: Volume, settings: Preprocess, *, seed: int = 0, given_mask: Volume | None = None) -> Prepared:
    """Bring one native scan onto ``settings.grid``; ``given_mask`` is a brain mask others made, on any grid.

    Raises:
        TlesynthError: REG-001 if no brain is found or it does not match the template, REG-003 if ANTs fails, REG-004
            if the non-linear warp is no anatomy, a MASK code for a given mask or a mask command, PRIV-003 for
            a face where the recipe wants none.
    """
    grid = GRIDS[settings.grid]
    native = _cleaned(scan, settings, given_mask, seed)
    to_native = register_affine(
        native.scan, native.mask, settings.registration_mm, seed=seed, least_dice=settings.least_dice
    )
    facts = {"FaceShare": _face(native.whole, to_native, settings)}
    mask = resample(native.mask.astype(np.float32), native.scan.affine, to_native, grid) >= 0.5
    voxels = normalised(resample(native.scan.voxels, native.scan.affine, to_native, grid, order=3), mask)
    quality = measure(voxels, mask, to_native, native.mask_ml, grid, native.whole)
    determinant = float(np.linalg.det(to_native[:3, :3]))
    tissues = segmented(voxels, mask, grid, seed=seed) if settings.tissue == "atropos" else None
    volumes = by_registration(voxels, grid, determinant)
    volumes |= _tissue_volumes(tissues or estimated(voxels, mask, grid), mask, grid, determinant)
    maps = tissues.maps() if tissues else {}
    if settings.vbm or settings.mode == "nonlinear":
        warped = _nonlinear(native, to_native, maps, settings, seed)
        maps, volumes = warped.maps, volumes | by_jacobian(warped.maps["jacobian"], grid, determinant)
        if settings.mode == "nonlinear":
            voxels, mask = warped.voxels, warped.mask
    if settings.smooth_fwhm_mm > 0:
        voxels = smoothed(voxels, mask, settings.smooth_fwhm_mm, grid.spacing)
    return Prepared(voxels, mask, to_native, quality, native.mask_method, maps, volumes, facts)


def _cleaned(scan: Volume, settings: Preprocess, given_mask: Volume | None, seed: int) -> _Native:
    """Noise, head-wide field, brain mask, field inside it; then cropped."""
    clean = denoised(scan, seed=seed) if settings.denoise == "nlm" else scan
    if settings.n4_twice and not is_extracted(scan):
        clean = corrected(clean, foreground(clean), settings.n4_shrink, seed=seed)
    brain = find_brain(
        clean,
        settings.brain_mask,
        seed=seed,
        given=given_mask,
        command=settings.brain_mask_command,
        seconds=settings.subject_seconds,
    )
    where, cropped = _cropped(clean, brain.voxels)
    mask = np.ascontiguousarray(brain.voxels[where])
    if not settings.n4:
        return _Native(cropped, mask, Native(scan, brain.voxels), brain.method)
    found = bias_field(cropped, mask, settings.n4_shrink, seed=seed)
    field = np.ones(scan.voxels.shape, np.float32)
    field[where] = found
    flat = Volume(cropped.voxels / found, cropped.affine, cropped.notes)
    return _Native(flat, mask, Native(scan, brain.voxels, field), brain.method)


def _face(whole: Native, to_native: np.ndarray, settings: Preprocess) -> float:
    """How much of a face the raw scan shows; refused (PRIV-003) where the recipe wants none."""
    share = round(face_share(whole.scan, whole.mask, to_native), 3)
    if settings.require_defaced and share > VISIBLE:
        raise fail("PRIV-003", "", f"tissue fills {100 * share:.0f} % of its place")
    return share


def _tissue_volumes(tissues: Tissues | None, mask: np.ndarray, grid: Grid, determinant: float) -> dict[str, float]:
    return by_tissue(tissues, mask, grid, determinant) if tissues else {}


@dataclass(frozen=True, eq=False)
class _Warped:
    """A T1, its mask and the maps, (X, Y, Z) each; only with the mode nonlinear do T1, mask and tissues move."""

    voxels: np.ndarray
    mask: np.ndarray
    maps: dict[str, np.ndarray]


def _nonlinear(
    native: _Native, to_native: np.ndarray, tissues: dict[str, np.ndarray], settings: Preprocess, seed: int
) -> _Warped:
    # Here and not above: its Jacobian brings torch with it, which the affine branch does not need.
    from tlesynth.data.preprocess.normalisation import modulated, smoothed_map, warp_to_template

    grid = GRIDS[settings.grid]
    warp = warp_to_template(native.scan, native.mask, to_native, grid, settings.registration_mm, seed=seed)
    maps = dict(tissues)
    if settings.vbm:
        maps["mwgm"] = modulated(tissues["gm"], warp, float(np.linalg.det(to_native[:3, :3])))
        maps["smwgm"] = smoothed_map(maps["mwgm"], settings.vbm_fwhm_mm, grid.spacing)
    maps["jacobian"] = warp.jacobian
    if settings.mode == "affine":
        return _Warped(np.empty(0), np.empty(0), maps)
    share = Volume(native.mask.astype(np.float32), native.scan.affine)
    mask = warp.apply_native(share, to_native, order=1) >= 0.5
    voxels = normalised(warp.apply_native(native.scan, to_native, order=3), mask)
    return _Warped(voxels, mask, maps | {name: warp.apply(values) for name, values in tissues.items()})


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


def _cropped(scan: Volume, mask: np.ndarray) -> tuple[tuple[slice, ...], Volume]:
    """Where the brain lies in the scan, with a margin, and that part: a head with its neck is mostly not brain."""
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
    return where, Volume(np.ascontiguousarray(scan.voxels[where]), affine, scan.notes)
