"""The non-linear branch: SyN (Avants et al. 2008) from a T1 in affine MNI space to the template, and what follows.

A warped T1 has lost most of the atrophy; the Jacobian has it, and so has grey matter that is warped and multiplied by
it (modulated grey matter, CAT12's mwp1). Smoothing belongs on the modulated map.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from scipy import ndimage

from tlesynth.data.deformation import jacobian_determinant
from tlesynth.data.preprocess.registration import ants_image, ants_module, template_grid
from tlesynth.data.resampling import FWHM, Working, resample, sample
from tlesynth.data.template import load_template
from tlesynth.errors import fail
from tlesynth.volume import Grid, Volume

RADIUS = 2
"""Voxels of the cross-correlation's window."""
SHRINKS = (40, 20, 10)
"""Iterations at a quarter, half and the whole of the working resolution."""
STEP, FLUID_VOXELS = 0.2, 3.0
MOST_JACOBIAN, MOST_LOG_JACOBIAN = 5.0, 1.2
"""Of 999 in 1000 brain voxels, and of 99 in 100: beyond them a warp is no anatomy."""


@dataclass(frozen=True, eq=False)
class Warp:
    """From each voxel of the grid to where its tissue lies in affine MNI space.

    ``displacement`` (3, X, Y, Z) RAS mm; ``jacobian`` (X, Y, Z) is the local volume there per volume here.
    """

    displacement: np.ndarray
    jacobian: np.ndarray
    grid: Grid

    def points(self) -> np.ndarray:
        """Where each voxel reads, (3, X, Y, Z) mm in affine MNI space."""
        return self.grid.world() + self.displacement

    def apply(self, values: np.ndarray) -> np.ndarray:
        """A map (X, Y, Z) in affine MNI space carried onto the template, linear."""
        points = self.points().reshape(3, -1)
        return sample(values, self.grid.affine, points).reshape(self.grid.shape)

    def apply_native(self, scan: Volume, to_native: np.ndarray, order: int) -> np.ndarray:
        """A native scan carried onto the template in one interpolation of ``order``: (X, Y, Z) float32."""
        blur = np.sqrt(np.maximum(self.grid.spacing**2 - scan.spacing**2, 0)) / FWHM / scan.spacing
        smooth = ndimage.gaussian_filter(scan.voxels, blur, truncate=3) if (blur > 0.1).any() else scan.voxels
        points = to_native[:3, :3] @ self.points().reshape(3, -1) + to_native[:3, 3:]
        return sample(smooth, scan.affine, points, order).reshape(self.grid.shape)


def warp_to_template(
    scan: Volume, mask: np.ndarray, to_native: np.ndarray, grid: Grid, spacing_mm: float, *, seed: int = 0
) -> Warp:
    """SyN at ``spacing_mm`` from a native T1 with its brain ``mask`` (X, Y, Z) bool, placed by ``to_native`` (4, 4).

    Raises:
        TlesynthError: REG-003 if ANTs fails, REG-004 if the warp folds or stretches beyond what anatomy does.
    """
    work = template_grid(spacing_mm)
    placed = resample(np.where(mask, scan.voxels, 0), scan.affine, to_native, work)
    top = np.percentile(placed[placed > 0], 99.5) if (placed > 0).any() else 1.0
    coarse = _syn(np.clip(placed / top, 0, 1).astype(np.float32), work, seed)
    index = np.linalg.inv(work.affine) @ grid.affine
    fine = [
        ndimage.affine_transform(
            part, index[:3, :3], index[:3, 3], output_shape=grid.shape, order=3, mode="nearest", output=np.float32
        )
        for part in coarse
    ]
    displacement = np.stack(fine)
    warp = Warp(displacement, jacobian_determinant(displacement, grid), grid)
    check(warp.jacobian[load_template(grid).mask > 0])
    return warp


def check(jacobian: np.ndarray) -> None:
    """Refuse a warp by its Jacobian determinants inside the brain, (N,).

    Raises:
        TlesynthError: REG-004 with the figure that is out of bounds.
    """
    least, most = float(jacobian.min()), float(np.quantile(jacobian, 0.999))
    if not least > 0:
        raise fail("REG-004", "", f"the warp folds (least Jacobian {least:.2f})")
    spread = float(np.quantile(np.abs(np.log(jacobian)), 0.99))
    if most > MOST_JACOBIAN or spread > MOST_LOG_JACOBIAN:
        raise fail("REG-004", "", f"it stretches by {most:.1f} (at most {MOST_JACOBIAN:g}), log Jacobian {spread:.2f}")


def modulated(gm: np.ndarray, warp: Warp, determinant: float) -> np.ndarray:
    """Grey matter (X, Y, Z) in affine MNI space on the template, times the volume change of warp and affine.

    Its sum times the voxel's volume is grey matter in native mm3, as in CAT12's mwp1. ``determinant`` is that of the
    affine from MNI to native.
    """
    return (warp.apply(gm) * warp.jacobian * determinant).astype(np.float32)


def smoothed_map(values: np.ndarray, fwhm_mm: float, spacing: float) -> np.ndarray:
    """Gaussian smoothing by ``fwhm_mm`` of a map (X, Y, Z) without a mask: it keeps the sum."""
    return ndimage.gaussian_filter(values, fwhm_mm / FWHM / spacing, mode="constant").astype(np.float32)


def _syn(placed: np.ndarray, work: Grid, seed: int) -> np.ndarray:
    """The displacement (3, X, Y, Z), RAS mm, from the template's voxels into ``placed`` (X, Y, Z)."""
    ants = ants_module(seed)
    origin = np.array(work.origin)
    fixed, moving = (ants_image(ants, Working(v, origin, work.spacing)) for v in (load_template(work).t1, placed))
    with tempfile.TemporaryDirectory(prefix="tlesynth-") as folder:
        try:
            result = ants.registration(
                fixed,
                moving,
                "SyNOnly",
                initial_transform="Identity",
                outprefix=str(Path(folder) / "result-"),
                grad_step=STEP,
                flow_sigma=FLUID_VOXELS,
                syn_metric="CC",
                syn_sampling=RADIUS,
                reg_iterations=SHRINKS,
            )
            field = next(name for name in result["fwdtransforms"] if name.endswith("Warp.nii.gz"))
            vectors = np.asarray(nib.Nifti1Image.from_filename(field).dataobj, np.float32)
        except (RuntimeError, ValueError, OSError, StopIteration) as error:
            raise fail("REG-003", "", f"SyN: {str(error).strip() or type(error).__name__}") from error
    vectors = np.moveaxis(vectors.reshape(*work.shape, 3), -1, 0)
    return vectors * np.array([-1, -1, 1], np.float32).reshape(3, 1, 1, 1)  # ITK's millimetres are LPS
