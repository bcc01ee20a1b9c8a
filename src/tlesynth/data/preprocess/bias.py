"""N4 bias correction (Tustison et al. 2010) on a coarse copy of the scan.

The field of a receive coil is smooth over centimetres, so it is found on coarse voxels and carried back to the full
scan.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from tlesynth.data.preprocess.registration import ants_image, ants_module
from tlesynth.data.resampling import Working, working
from tlesynth.errors import fail
from tlesynth.volume import Volume

COARSEST_MM = 6.0
WHOLE = 0.95
ITERATIONS = [25, 25, 25]
TOLERANCE = 1e-6
FIELD_RANGE = (0.2, 5.0)


def corrected(scan: Volume, mask: np.ndarray, shrink: int, *, seed: int = 0) -> Volume:
    """``scan`` divided by its bias field, found inside ``mask`` (X, Y, Z) bool on voxels ``shrink`` times as large.

    Raises:
        TlesynthError: REG-003 if N4 fails.
    """
    return Volume(scan.voxels / bias_field(scan, mask, shrink, seed=seed), scan.affine, scan.notes)


def bias_field(scan: Volume, mask: np.ndarray, shrink: int, *, seed: int = 0) -> np.ndarray:
    """The factor (X, Y, Z) float32 by which the coils brightened each voxel, with median 1 inside ``mask``.

    Raises:
        TlesynthError: REG-003 if N4 fails.
    """
    spacing = min(float(scan.spacing.mean()) * shrink, COARSEST_MM)
    share = working(mask.astype(np.float32), scan.affine, spacing, within=mask)
    inside = working(np.where(mask, scan.voxels, 0), scan.affine, spacing, within=mask)
    # Only voxels that are wholly brain: background, and scalp where the mask is loose, would bend the field.
    known = share.voxels > WHOLE
    values = np.where(known, inside.voxels, 0)
    field = _field(Working(values.astype(np.float32), share.origin, spacing), known, seed)
    index = np.linalg.inv(share.affine) @ scan.affine
    return ndimage.affine_transform(
        field, index[:3, :3], index[:3, 3], output_shape=scan.voxels.shape, order=1, mode="nearest", output=np.float32
    )


def _field(coarse: Working, known: np.ndarray, seed: int) -> np.ndarray:
    """The bias field on the coarse voxels, with median 1 inside the brain."""
    ants = ants_module(seed)
    top = max(float(coarse.voxels[known].max()), 1e-6) if known.any() else 1.0
    scaled = Working(coarse.voxels * (1000 / top), coarse.origin, coarse.spacing)
    try:
        field = ants.n4_bias_field_correction(
            ants_image(ants, scaled),
            mask=ants_image(ants, Working(known.astype(np.float32), coarse.origin, coarse.spacing)),
            shrink_factor=1,
            convergence={"iters": ITERATIONS, "tol": TOLERANCE},
            return_bias_field=True,
        ).numpy()
    except (RuntimeError, ValueError) as error:
        raise fail("REG-003", "", f"N4: {error}") from error
    if not known.any() or not np.isfinite(field).all():
        raise fail("REG-003", "", "N4 found no finite bias field")
    return np.clip(field / np.median(field[known]), *FIELD_RANGE).astype(np.float32)
