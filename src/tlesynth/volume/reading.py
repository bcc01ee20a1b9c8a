"""Reading one NIfTI volume so that a damaged, hostile or ambiguous file is refused, never guessed at.

Left and right matter twice in TLE, so a volume whose orientation cannot be trusted is refused. The gzip stream is read
to its end because only there lies its checksum; nibabel alone stops before it. Header extensions are never parsed.
"""

from __future__ import annotations

import gzip
import io
import stat
import zlib
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation

from tlesynth.errors import fail
from tlesynth.volume.grid import Grid

LARGEST = 512 * 1024**2
"""Voxels."""
LARGEST_TAIL = 1 << 20
"""Bytes a file may hold beyond what its header needs."""
LEAST_SIDE = 16
LEAST_VALUES = 16
MOST_NAN = 0.01
LOOKS_LIKE = {
    b"version https://git-lfs": "a git-lfs pointer: run git lfs pull",
    b"/annex/objects": "a git-annex pointer: run datalad get",
    b"<!DOCTYPE": "an HTML page",
    b"<html": "an HTML page",
    b"PK\x03\x04": "a zip archive",
    b"7z\xbc\xaf": "a 7z archive",
}


@dataclass(frozen=True)
class Volume:
    """Voxels (X, Y, Z) float32 in RAS axis order, their voxel-to-RAS affine (4, 4), and what the reader noticed."""

    voxels: np.ndarray
    affine: np.ndarray
    notes: tuple[str, ...] = ()

    @property
    def spacing(self) -> np.ndarray:
        """Voxel size in mm along each axis, (3,)."""
        return np.sqrt((self.affine[:3, :3] ** 2).sum(axis=0))


def read(path: Path, *, least_values: int = LEAST_VALUES) -> Volume:
    """Read a 3D volume in RAS axis order; ``least_values`` is 1 for masks and label maps.

    Raises:
        TlesynthError: one of the NII codes, naming what is wrong with this file.
    """
    path = Path(path)
    header, raw = _open(path)
    voxels, notes = _voxels(header, raw, path, least_values)
    affine, more = _affine(header, path)
    orientation = io_orientation(affine)
    canonical = apply_orientation(voxels, orientation)
    affine = affine @ inv_ornt_aff(orientation, voxels.shape)
    return Volume(np.ascontiguousarray(canonical, dtype=np.float32), affine, (*notes, *more))


def read_on(path: Path, grid: Grid, *, least_values: int = LEAST_VALUES) -> np.ndarray:
    """Read voxels (X, Y, Z) float32 that must lie on ``grid``.

    Raises:
        TlesynthError: NII-030 if the volume lies on another grid, or another NII code.
    """
    volume = read(path, least_values=least_values)
    if volume.voxels.shape != grid.shape or not np.allclose(volume.affine, grid.affine, atol=1e-3):
        raise fail("NII-030", path, f"it has {volume.voxels.shape} voxels, {grid.name} has {grid.shape}")
    return volume.voxels


def read_header(path: Path) -> nib.Nifti1Header:
    """The checked header of a volume, without its voxels."""
    with _stream(Path(path)) as stream:
        return _header(stream, Path(path))[0]


def _open(path: Path) -> tuple[nib.Nifti1Header, bytes]:
    """Header and raw voxel bytes; the stream is read to its end."""
    with _stream(path) as stream:
        try:
            header, head = _header(stream, path)
            offset = _offset(header, path)
            needed = int(np.prod([int(n) for n in header.get_data_shape()])) * header.get_data_dtype().itemsize
            body = head + stream.read(max(offset + needed - len(head), 0))
            tail = stream.read(LARGEST_TAIL + 1)
        except EOFError as error:
            raise fail("NII-002", path, "the gzip stream ends too early") from error
        except (gzip.BadGzipFile, zlib.error) as error:
            raise fail("NII-003", path, str(error)) from error
        except OSError as error:
            raise fail("NII-008", path, error.strerror or str(error)) from error
    if len(body) < offset + needed:
        raise fail("NII-002", path, f"{len(body):,} bytes, the header needs {offset + needed:,}")
    if len(tail) > LARGEST_TAIL:
        raise fail("NII-012", path, "the file is far larger than its header says")
    return header, body[offset : offset + needed]


def _stream(path: Path) -> io.BufferedReader | gzip.GzipFile:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise fail("NII-007", path)
        if status.st_size == 0:
            raise fail("NII-001", path)
        with open(path, "rb") as file:
            start = file.read(64)
    except OSError as error:
        raise fail("NII-008", path, error.strerror or str(error)) from error
    for mark, name in LOOKS_LIKE.items():
        if mark in start:
            raise fail("NII-006", path, f"it looks like {name}")
    compressed = start[:2] == b"\x1f\x8b"
    if compressed != path.name.endswith(".gz"):
        raise fail("NII-005", path, "the content is gzip" if compressed else "the content is not gzip")
    return gzip.open(path, "rb") if compressed else open(path, "rb")


def _header(stream: io.BufferedReader | gzip.GzipFile, path: Path) -> tuple[nib.Nifti1Header, bytes]:
    try:
        head = stream.read(540)
    except EOFError as error:
        raise fail("NII-002", path, "the gzip stream ends in the header") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise fail("NII-003", path, str(error)) from error
    if len(head) < 348:
        raise fail("NII-002", path, f"{len(head)} bytes are too few for a header")
    second = head[4:8] == b"n+2\0" and len(head) == 540
    if not second and head[344:348] != b"n+1\0":
        pair = head[344:348] == b"ni1\0"
        raise fail("NII-006", path, "it is the header of a .hdr/.img pair" if pair else "it has no NIfTI magic number")
    try:
        block = head if second else head[:348]
        header = (nib.Nifti2Header if second else nib.Nifti1Header)(binaryblock=block, check=False)
        shape, dtype = header.get_data_shape(), header.get_data_dtype()
    except Exception as error:  # nibabel raises many kinds on a broken header; each means the same to the user
        raise fail("NII-012", path, str(error) or type(error).__name__) from error
    _check_shape(tuple(int(n) for n in shape), path)
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise fail("NII-017", path, f"the data type is {dtype}")
    return header, head


def _check_shape(shape: tuple[int, ...], path: Path) -> None:
    if any(n <= 0 for n in shape) or not shape:
        raise fail("NII-012", path, f"the shape is {shape}")
    if np.prod([float(n) for n in shape]) > LARGEST:
        raise fail("NII-009", path, f"the shape is {shape}")
    if len(shape) > 3 and any(n > 1 for n in shape[3:]):
        raise fail("NII-016", path, f"it holds {int(np.prod(shape[3:]))} volumes")
    if len(shape) < 3 or min(shape[:3]) < LEAST_SIDE:
        raise fail("NII-015", path, f"the shape is {shape}")


def _offset(header: nib.Nifti1Header, path: Path) -> int:
    offset, least = float(header["vox_offset"]), int(header["sizeof_hdr"]) + 4
    if not np.isfinite(offset) or not 0 <= offset <= LARGEST:
        raise fail("NII-012", path, f"vox_offset is {offset}")
    return max(int(offset), least)


def _voxels(header: nib.Nifti1Header, raw: bytes, path: Path, least_values: int) -> tuple[np.ndarray, tuple[str, ...]]:
    shape = tuple(int(n) for n in header.get_data_shape())[:3]
    stored = np.frombuffer(raw, dtype=header.get_data_dtype()).reshape(shape, order="F")
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    notes: list[str] = []
    with np.errstate(over="ignore", invalid="ignore"):
        voxels = stored.astype(np.float32)
        if np.isfinite(slope) and slope != 0 and (slope, intercept) != (1.0, 0.0):
            if not np.isfinite(intercept):
                raise fail("NII-012", path, "the intensity intercept is not finite")
            voxels = voxels * np.float32(slope) + np.float32(intercept)
    bad = ~np.isfinite(voxels)
    if bad.any():
        if bad.mean() >= MOST_NAN:
            raise fail("NII-021", path, f"{100 * bad.mean():.1f} % of the voxels")
        voxels[bad] = 0
        notes.append(f"{int(bad.sum())} voxels were not finite and were set to 0")
    if len(np.unique(voxels[::2, ::2, ::2])) < least_values and len(np.unique(voxels)) < least_values:
        raise fail("NII-022", path, f"it has fewer than {least_values} different values")
    return voxels, tuple(notes)


def _affine(header: nib.Nifti1Header, path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    """The affine to trust: a sound sform, else a sound qform."""
    sform = _scaled(header.get_sform(), header) if int(header["sform_code"]) > 0 else None
    qform = _qform(header)
    if sform is None and qform is None:
        raise fail("NII-026", path)
    usable = {name: a for name, a in (("sform", sform), ("qform", qform)) if a is not None and not _fault(a)}
    if not usable:
        reasons = [_fault(a) for a in (sform, qform) if a is not None]
        raise fail("NII-024" if "voxel" in reasons[0] else "NII-028", path, reasons[0])
    if len(usable) < 2:
        name = next(iter(usable))
        both = sform is not None and qform is not None
        return usable[name], ((f"only the {name} is usable",) if both else ())
    signs = [np.sign(np.linalg.det(a[:3, :3])) for a in usable.values()]
    if signs[0] != signs[1]:
        raise fail("NII-027", path)
    corners = np.array([[x, y, z, 1] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float).T
    corners[:3] *= np.array(header.get_data_shape()[:3])[:, None]
    apart = np.abs((usable["sform"] - usable["qform"]) @ corners).max()
    note = f"sform and qform differ by up to {apart:.0f} mm; the sform is used"
    return usable["sform"], ((note,) if apart > 1 else ())


def _qform(header: nib.Nifti1Header) -> np.ndarray | None:
    if int(header["qform_code"]) <= 0:
        return None
    try:
        return _scaled(header.get_qform(), header)
    except Exception:  # an impossible quaternion; the sform may still be sound
        return np.full((4, 4), np.nan)


def _scaled(affine: np.ndarray, header: nib.Nifti1Header) -> np.ndarray:
    units = {1: 1000.0, 3: 0.001}.get(int(header["xyzt_units"]) & 7, 1.0)
    scaled = np.array(affine, dtype=float)
    scaled[:3] *= units
    return scaled


def _fault(affine: np.ndarray) -> str:
    """Why an affine cannot be used, or nothing."""
    if not np.isfinite(affine).all():
        return "the affine is not finite"
    sizes = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    if (sizes < 0.2).any() or (sizes > 8).any():
        return f"voxel sizes of {', '.join(f'{s:.3g}' for s in sizes)} mm"
    directions = affine[:3, :3] / sizes
    shear = np.abs(directions.T @ directions - np.eye(3)).max()
    return "" if shear < np.sin(np.radians(5)) else "the axes are not at right angles"
