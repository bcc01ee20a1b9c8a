"""The one NIfTI writer: sform equal to qform, millimetres, no text but ours, the same bytes for the same voxels."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Literal

import nibabel as nib
import numpy as np

from tlesynth import durable

SCANNER, MNI = 1, 4
"""NIfTI xform codes."""


def write(
    path: Path,
    voxels: np.ndarray,
    affine: np.ndarray,
    *,
    description: str = "",
    dtype: Literal["int16", "uint8", "float32"] = "int16",
    mni: bool = False,
) -> None:
    """Write voxels (X, Y, Z) as ``.nii.gz`` or ``.nii``.

    Integers are stored with a slope and no intercept, so that 0 stays exactly 0; masks and labels (bool or integer
    arrays) are stored as they are. ``mni`` marks the volume as lying in MNI space.

    Raises:
        ValueError: if voxels are not finite or not 3D.
        TlesynthError: RES-001 if the disk is full.
    """
    voxels = np.asarray(voxels)
    if voxels.ndim != 3 or not np.isfinite(voxels).all():
        raise ValueError("voxels must be finite and 3D")
    stored, slope = _stored(voxels, np.dtype(dtype))
    image = nib.Nifti1Image(stored, affine)
    image.header.set_data_dtype(stored.dtype)
    image.header.set_slope_inter(slope, 0.0)
    image.header.set_xyzt_units("mm", "sec")
    image.header["descrip"] = description.encode("ascii", "replace")[:79]
    image.header["cal_min"], image.header["cal_max"] = float(voxels.min()), float(voxels.max())
    code = MNI if mni else SCANNER
    image.set_sform(affine, code)
    image.set_qform(affine, code)
    data = image.to_bytes()
    # The gzip header carries no file name and no time: neither belongs to the voxels.
    durable.write_bytes(path, gzip.compress(data, compresslevel=3, mtime=0) if path.name.endswith(".gz") else data)


def _stored(voxels: np.ndarray, dtype: np.dtype) -> tuple[np.ndarray, float]:
    if dtype.kind == "f":
        return voxels.astype(dtype), 1.0
    limit = np.iinfo(dtype).max
    if voxels.dtype.kind in "bui":
        if voxels.size and int(np.abs(voxels.astype(np.int64)).max()) > limit:
            raise ValueError(f"labels above {limit} do not fit {dtype}")
        return voxels.astype(dtype), 1.0
    largest = float(np.abs(voxels).max())
    if largest == 0:
        return voxels.astype(dtype), 1.0
    if dtype.kind == "u" and voxels.min() < 0:
        raise ValueError("uint8 cannot hold negative voxels")
    # The header stores the slope as float32: scale by what a reader will see.
    slope = float(np.float32(largest / limit))
    return np.clip(np.rint(voxels / slope), -limit if dtype.kind == "i" else 0, limit).astype(dtype), slope
