"""The header of a NIfTI volume: every field that reading relies on is checked, the rest is ignored."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.nifti1 import data_type_codes, intent_codes

from tlesynth.errors import fail
from tlesynth.volume.stream import looks_like

LARGEST = 512 * 1024**2
"""Voxels."""
LEAST_SIDE = 16
LONGEST = 540
"""Bytes of the longer header (NIfTI-2)."""
NOT_IMAGES = {1002: "label map", 1004: "matrix field", 1005: "matrix field", 1006: "displacement field"} | {
    1007: "vector field",
    1008: "point set",
    1009: "triangle mesh",
    1010: "quaternion field",
}
"""NIfTI intent codes of what is no image."""


@dataclass(frozen=True)
class Header:
    """A checked header: shape (X, Y, Z), stored type, where the voxels begin (bytes), and what was noticed."""

    fields: nib.Nifti1Header
    shape: tuple[int, int, int]
    dtype: np.dtype
    offset: int
    notes: tuple[str, ...] = ()

    @property
    def needed(self) -> int:
        """Bytes from the file's start to its last voxel."""
        return self.offset + self.shape[0] * self.shape[1] * self.shape[2] * self.dtype.itemsize


def parse(head: bytes | bytearray, path: Path, *, image: bool = True) -> Header:
    """Check the first ``LONGEST`` bytes of a file; ``image`` refuses label maps and vector fields.

    Raises:
        TlesynthError: NII-002, -006, -009, -012, -015, -016, -017 or -018.
    """
    if len(head) < 348:
        raise fail("NII-002", path, f"{len(head)} bytes are too few for a header")
    second = head[4:8] == b"n+2\0" and len(head) == LONGEST
    if not second and head[344:348] != b"n+1\0":
        pair = head[344:348] == b"ni1\0"
        other = looks_like(head)
        why = f"it looks like {other}" if other else "it has no NIfTI magic number"
        raise fail("NII-006", path, "it is the header of a .hdr/.img pair" if pair else why)
    length = LONGEST if second else 348
    order, notes = _byte_order(head, second, path)
    kind = nib.Nifti2Header if second else nib.Nifti1Header
    fields = kind(binaryblock=bytes(head[:length]), endianness=order, check=False)
    dimensions = [int(n) for n in fields["dim"]]
    if not 1 <= dimensions[0] <= 7:
        raise fail("NII-012", path, f"it has {dimensions[0]} dimensions")
    shape = _shape(tuple(dimensions[1 : dimensions[0] + 1]), path)
    dtype = _dtype(fields, path)
    if int(fields["bitpix"]) != 8 * dtype.itemsize:
        notes.append(f"bitpix is {int(fields['bitpix'])}, the data type {dtype.name} counts")
    if dimensions[0] > 3:
        notes.append("it is stored as a series of one volume")
    notes += _intent(fields, path, image)
    offset, note = _offset(fields, length, path)
    return Header(fields, shape, dtype, offset, (*notes, *note))


def _byte_order(head: bytes | bytearray, second: bool, path: Path) -> tuple[str, list[str]]:
    """By the header's own length; where that is wrong, by a sensible number of dimensions."""
    expected = LONGEST if second else 348
    for order in "<>":
        if struct.unpack_from(f"{order}i", head)[0] == expected:
            return order, []
    for order in "<>":
        if 1 <= struct.unpack_from(f"{order}q" if second else f"{order}h", head, 16 if second else 40)[0] <= 7:
            return order, [f"sizeof_hdr is not {expected}"]
    raise fail("NII-012", path, "neither byte order gives a sensible header")


def _shape(shape: tuple[int, ...], path: Path) -> tuple[int, int, int]:
    if any(n <= 0 for n in shape):
        raise fail("NII-012", path, f"the shape is {shape}")
    if np.prod([float(n) for n in shape]) > LARGEST:
        raise fail("NII-009", path, f"the shape is {shape}")
    if any(n > 1 for n in shape[3:]):
        raise fail("NII-016", path, f"it holds {int(np.prod(shape[3:]))} volumes")
    if len(shape) < 3 or min(shape[:3]) < LEAST_SIDE:
        raise fail("NII-015", path, f"the shape is {shape}")
    return shape[0], shape[1], shape[2]


def _dtype(fields: nib.Nifti1Header, path: Path) -> np.dtype:
    try:
        dtype = fields.get_data_dtype()
    except Exception as error:  # nibabel raises more than one kind on a code it does not know
        raise fail("NII-017", path, f"no data type has the code {int(fields['datatype'])}") from error
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise fail("NII-017", path, f"it is {data_type_codes.label[int(fields['datatype'])]}")
    return dtype


def _intent(fields: nib.Nifti1Header, path: Path, image: bool) -> list[str]:
    code = int(fields["intent_code"])
    if image and code in NOT_IMAGES:
        raise fail("NII-018", path, f"its intent code {code} says {NOT_IMAGES[code]}")
    return [] if code in intent_codes.code else [f"its intent code {code} means nothing"]


def _offset(fields: nib.Nifti1Header, length: int, path: Path) -> tuple[int, tuple[str, ...]]:
    offset, least = float(fields["vox_offset"]), length + 4
    if offset == 0:
        return least, (f"vox_offset is 0, read as {least}",)
    if not np.isfinite(offset) or not least <= offset <= LARGEST:
        raise fail("NII-012", path, f"vox_offset is {offset:g}")
    return int(offset), ()
