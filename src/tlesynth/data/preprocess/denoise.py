"""Adaptive non-local means (Manjon et al. 2010) on the native scan, before anything else has changed its noise."""

from __future__ import annotations

import numpy as np

from tlesynth.data.preprocess.registration import ants_module
from tlesynth.errors import fail
from tlesynth.volume import Volume

PATCH, SEARCH = 1, 2
"""Radii in voxels of the patches that are compared and of the search for them."""


def denoised(scan: Volume, *, seed: int = 0) -> Volume:
    """``scan`` with its Rician noise averaged over like patches; what was exactly 0 stays 0.

    Raises:
        TlesynthError: REG-003 if ANTs fails.
    """
    ants = ants_module(seed)
    inside = (scan.voxels != 0).astype(np.float32)
    try:
        image = ants.from_numpy(np.ascontiguousarray(scan.voxels, np.float32))
        clean = ants.denoise_image(image, ants.from_numpy(inside), p=PATCH, r=SEARCH, noise_model="Rician").numpy()
    except (RuntimeError, ValueError) as error:
        raise fail("REG-003", "", f"denoising: {error}") from error
    if not np.isfinite(clean).all():
        raise fail("REG-003", "", "denoising gave voxels that are not finite")
    return Volume(np.where(inside > 0, clean, 0).astype(np.float32), scan.affine, scan.notes)
