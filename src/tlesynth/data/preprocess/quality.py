"""One row of quality control per scan, measured on the grid and, where it is given, in the scan itself.

CJV: Ganzetti et al. 2016. Nothing is judged here: ``homogeneity.judge`` holds the rows of a whole cohort against the
recipe's limits.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from scipy import ndimage

from tlesynth.data.preprocess import artefacts
from tlesynth.data.preprocess.contrast import tissue_contrast
from tlesynth.data.preprocess.registration import template_correlation, template_dice
from tlesynth.data.template import load_template
from tlesynth.volume import Grid, Volume

SURE = 0.8
POLE_MM, POLE_RADIUS_MM = (38.0, 14.0, -32.0), 12.0
"""Centre of the right temporal pole in MNI space (the left one mirrored), and the ball around it."""
RESIDUAL_MM = 8.0
"""Gaussian sigma below which a variation of the white matter is texture."""
VOID = 0.01
SAMPLED = 7
"""One voxel of so many tells a quantile of millions."""


@dataclass(frozen=True, eq=False)
class Native:
    """The scan before it was put on the grid: its voxels as read, brain mask (X, Y, Z) bool, N4's field (X, Y, Z)."""

    scan: Volume
    mask: np.ndarray
    field: np.ndarray | None = None


@dataclass(frozen=True)
class Quality:
    """What was measured on one scan; ratios have no unit."""

    snr: float
    """White matter mean over its standard deviation."""
    cnr: float
    """(white - grey) / pooled standard deviation."""
    cjv: float
    """(sd white + sd grey) / |white - grey|: above 0.6 is noisy or inhomogeneous."""
    mask_ml: float
    """Volume of the brain mask in the scan's own space: an estimate of the intracranial volume."""
    dice: float
    """Of the brain mask with the template's."""
    correlation: float
    """Pearson's r with the template inside its brain."""
    determinant: float
    """Of the affine from MNI to native: the head's volume relative to the template's."""
    contrast: float = 0.0
    """(white - grey) / white: below 0 where the order of the tissues is not that of a T1."""
    noise_snr: float = 0.0
    """White matter over the noise's standard deviation, which comes from the white matter's finest detail."""
    fwhm_mm: float = 0.0
    """Smoothness of the white matter's texture on the grid."""
    bias_cv: float = 0.0
    """Coefficient of variation of N4's field in the brain; without it, of the white matter's slow variation."""
    poles: float = 0.0
    """Share of the template's temporal poles that the mask holds, of the worse side."""
    cut_cm2: float = 0.0
    """Area of the brain's flattest end in the scan's own axes: a cropped field of view."""
    ghost: float = 0.0
    """Share of the head's signal that appears again, shifted, in the air or in the white matter."""
    asymmetry: float = 0.0
    """Of the mask, 200 (right - left) / (right + left), in percent."""
    turn_deg: float = 0.0
    """Angle of the rotation in the affine: 180 where a header claims the wrong orientation."""

    def row(self) -> dict[str, float]:
        """The values rounded for a table."""
        return {name: round(float(value), 4) for name, value in asdict(self).items()}


def measure(
    voxels: np.ndarray,
    mask: np.ndarray,
    to_native: np.ndarray,
    mask_ml: float,
    grid: Grid,
    native: Native | None = None,
) -> Quality:
    """Measure a T1 (X, Y, Z) on ``grid`` with its brain ``mask`` (X, Y, Z) bool and its affine (4, 4).

    With ``native`` noise, ghosts and the field are those of the scan itself; else those left on the grid.
    """
    template = load_template(grid)
    tissue = tissue_contrast(voxels, mask, template)
    contrast, noise = tissue.white - tissue.grey, float(np.hypot(tissue.white_sd, tissue.grey_sd) / np.sqrt(2))
    whites = mask & (template.wm > SURE)
    _, texture = artefacts.flattened(voxels, whites, RESIDUAL_MM / grid.spacing)
    in_white = artefacts.ghost_in_white_matter(texture, voxels, whites, grid.spacing)
    seen = _seen(voxels, mask)
    axes = native.scan.affine[:3, :3] / native.scan.spacing if native else np.eye(3)
    return Quality(
        snr=_ratio(tissue.white, tissue.white_sd),
        cnr=_ratio(contrast, noise),
        cjv=_ratio(tissue.white_sd + tissue.grey_sd, abs(contrast)),
        mask_ml=mask_ml,
        dice=template_dice(mask, grid),
        correlation=template_correlation(voxels, grid),
        determinant=float(np.linalg.det(to_native[:3, :3])),
        contrast=_ratio(contrast, tissue.white),
        noise_snr=_noise_snr(voxels, mask, whites, native),
        fwhm_mm=artefacts.fwhm_mm(texture, whites, grid.spacing),
        bias_cv=_bias_cv(voxels, whites, grid, native),
        poles=pole_coverage(seen, grid),
        cut_cm2=artefacts.cut_cm2(seen, grid.spacing, to_native, axes),
        ghost=max(in_white, artefacts.ghost_in_air(native.scan) if native else 0.0),
        asymmetry=mask_asymmetry(mask),
        turn_deg=turn_deg(to_native),
    )


def _seen(voxels: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Where the mask holds signal: a template's mask reaches on where the field of view has ended."""
    return ndimage.binary_opening(mask & (voxels > VOID))


def pole_coverage(mask: np.ndarray, grid: Grid) -> float:
    """Share of the template's tissue in the temporal poles that lies in ``mask`` (X, Y, Z), of the worse side."""
    template, (x, y, z) = load_template(grid), grid.world()
    tissue = template.gm + template.wm > 0.5
    shares = []
    for side in (-1, 1):
        away = (x - side * POLE_MM[0]) ** 2 + (y - POLE_MM[1]) ** 2 + (z - POLE_MM[2]) ** 2
        pole = tissue & (away < POLE_RADIUS_MM**2)
        shares.append(float((mask & pole).sum() / pole.sum()))
    return min(shares)


def mask_asymmetry(mask: np.ndarray) -> float:
    """200 (right - left) / (right + left) of a mask (X, Y, Z) on the grid, in percent; 0 for an empty one."""
    half = mask.shape[0] // 2
    left, right = int(mask[:half].sum()), int(mask[-half:].sum())
    return 200 * (right - left) / (right + left) if left + right else 0.0


def turn_deg(to_native: np.ndarray) -> float:
    """Angle in degrees of the rotation nearest to the linear part of an affine (4, 4)."""
    left, _, right = np.linalg.svd(to_native[:3, :3])
    return float(np.degrees(np.arccos(np.clip((np.trace(left @ right) - 1) / 2, -1, 1))))


def _noise_snr(voxels: np.ndarray, mask: np.ndarray, whites: np.ndarray, native: Native | None) -> float:
    white = float(np.median(voxels[whites])) if whites.any() else 0.0
    if native is None:
        return _ratio(white, artefacts.noise_sd(voxels, whites, white))
    # The white matter's place among the brain's intensities is the same on the grid and in the scan.
    there = native.scan.voxels[native.mask][::SAMPLED]
    level = float(np.quantile(there, (voxels[mask] < white).mean())) if there.size and whites.any() else 0.0
    return _ratio(level, artefacts.noise_sd(native.scan.voxels, native.mask, level))


def _bias_cv(voxels: np.ndarray, whites: np.ndarray, grid: Grid, native: Native | None) -> float:
    if native is not None and native.field is not None:
        return artefacts.variation(native.field[native.mask])
    return artefacts.shading(voxels, whites, grid.spacing)


def _ratio(above: float, below: float) -> float:
    return above / below if below > 1e-9 else 0.0
