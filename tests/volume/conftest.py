"""A small sound volume, and its bytes with one header field changed."""

import struct
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from tlesynth.errors import TlesynthError
from tlesynth.volume import read

SHAPE = (20, 24, 28)
AFFINE = np.array([[2.0, 0, 0, -20], [0, 2, 0, -24], [0, 0, 2, -28], [0, 0, 0, 1]])
OFFSETS = {
    "sizeof_hdr": (0, "i"),
    "dim0": (40, "h"),
    "dim1": (42, "h"),
    "dim3": (46, "h"),
    "intent_code": (68, "h"),
    "datatype": (70, "h"),
    "bitpix": (72, "h"),
    "pixdim1": (80, "f"),
    "vox_offset": (108, "f"),
    "scl_slope": (112, "f"),
    "scl_inter": (116, "f"),
    "xyzt_units": (123, "b"),
    "quatern_b": (256, "f"),
    "sform_code": (254, "h"),
}


def volume(voxels: np.ndarray | None = None, sform: np.ndarray = AFFINE, qform: np.ndarray = AFFINE) -> bytes:
    """The bytes of a NIfTI-1 file; ``voxels`` (X, Y, Z) are random int16 where not given."""
    voxels = np.random.default_rng(0).integers(0, 1000, SHAPE).astype(np.int16) if voxels is None else voxels
    made = nib.Nifti1Image(voxels, sform)
    made.set_sform(sform, 1)
    made.set_qform(qform, 1)
    return made.to_bytes()


def changed(data: bytes, **fields: float) -> bytes:
    """``data`` with header fields set, little-endian."""
    patched = bytearray(data)
    for name, value in fields.items():
        offset, form = OFFSETS[name]
        struct.pack_into("<" + form, patched, offset, value)
    return bytes(patched)


@pytest.fixture(scope="session")
def nifti() -> Callable[..., bytes]:
    """``nifti(voxels=..., sform=..., qform=..., **header fields)`` as bytes."""
    kinds = ("voxels", "sform", "qform")

    def make(**given: object) -> bytes:
        fields = {name: value for name, value in given.items() if name not in kinds}
        return changed(volume(**{name: given[name] for name in kinds if name in given}), **fields)

    return make


@pytest.fixture
def refused(tmp_path: Path) -> Callable[..., TlesynthError]:
    """``refused(data, name)`` writes a file, reads it and returns the error it must meet."""

    def check(data: bytes, name: str = "v.nii") -> TlesynthError:
        (tmp_path / name).write_bytes(data)
        with pytest.raises(TlesynthError) as caught:
            read(tmp_path / name)
        return caught.value

    return check


@pytest.fixture
def read_back(tmp_path: Path) -> Callable[..., object]:
    """``read_back(data, name)`` writes a file and reads it."""

    def check(data: bytes, name: str = "v.nii") -> object:
        (tmp_path / name).write_bytes(data)
        return read(tmp_path / name)

    return check
