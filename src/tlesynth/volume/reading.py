"""Reading one NIfTI volume so that a damaged, hostile or ambiguous file is refused, never guessed at.

Left and right matter twice in TLE, so a volume whose orientation cannot be trusted is refused. The gzip stream is read
to its end because only there lies its checksum; nibabel alone stops before it. Header extensions are never parsed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.affines import obliquity
from nibabel.orientations import aff2axcodes, apply_orientation, inv_ornt_aff, io_orientation

from tlesynth.errors import fail
from tlesynth.volume.grid import Grid
from tlesynth.volume.header import LONGEST, Header, parse
from tlesynth.volume.orientation import affine_of
from tlesynth.volume.stream import Plain, opened, settled

LARGEST_PADDING = 4096
"""Zero bytes that may follow the voxels; anything else there means a header of another volume."""
LEAST_VALUES = 16
MOST_NAN = 0.01
LARGEST_SCALE = 1e30
AIR = (-1100.0, -900.0)
"""Hounsfield units of air, where a T1 has nothing."""
MOST_AIR = 0.05


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


@dataclass(frozen=True)
class Look:
    """What the header alone tells: shape (X, Y, Z), voxel size in mm, axis codes such as RAS, tilt in degrees."""

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    orientation: str
    tilt: float
    notes: tuple[str, ...] = ()


def read(path: Path, *, least_values: int = LEAST_VALUES) -> Volume:
    """Read a 3D volume in RAS axis order; ``least_values`` is 1 for masks and label maps.

    Raises:
        TlesynthError: one of the NII codes, naming what is wrong with this file.
    """
    return settled(Path(path), partial(_read, least_values=least_values))


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
    """The checked header of a volume, without its voxels; label maps are allowed."""
    with opened(Path(path)) as stream:
        return parse(stream.read(LONGEST), Path(path), image=False).fields


def look(path: Path) -> Look:
    """Check a scan by its header alone: what ``read`` would refuse or note before it reaches the voxels.

    Raises:
        TlesynthError: one of the NII codes.
    """
    path = Path(path)
    with opened(path) as stream:
        header = parse(stream.read(LONGEST), path)
        if isinstance(stream, Plain) and path.stat().st_size < header.needed:
            raise _truncated(path, path.stat().st_size, header)
    affine, notes = affine_of(header, path)
    sizes = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    codes = "".join(str(code) for code in aff2axcodes(affine))
    tilt = float(np.degrees(obliquity(affine).max()))
    return Look(header.shape, (sizes[0], sizes[1], sizes[2]), codes, tilt, (*header.notes, *notes))


def _read(path: Path, least_values: int) -> Volume:
    image = least_values >= LEAST_VALUES
    header, raw, extra = _content(path, image)
    voxels, notes = _voxels(header, raw, path, least_values)
    affine, more = affine_of(header, path)
    orientation = io_orientation(affine)
    canonical = apply_orientation(voxels, orientation)
    affine = affine @ inv_ornt_aff(orientation, voxels.shape)
    return Volume(np.ascontiguousarray(canonical, dtype=np.float32), affine, (*header.notes, *extra, *notes, *more))


def _content(path: Path, image: bool) -> tuple[Header, bytearray, tuple[str, ...]]:
    """Header and all bytes up to the last voxel; the stream is read to its end."""
    with opened(path) as stream:
        data = stream.read(LONGEST)
        header = parse(data, path, image=image)
        if isinstance(stream, Plain) and path.stat().st_size < header.needed:
            raise _truncated(path, path.stat().st_size, header)  # before memory is set aside for it
        data += stream.read(max(header.needed - len(data), 0))
        tail = data[header.needed :] + stream.read(LARGEST_PADDING + 1)
        if len(data) < header.needed:
            raise _truncated(path, len(data), header)
        if len(tail) > LARGEST_PADDING or tail.strip(b"\0"):
            shown = f"{len(tail):,}" if len(tail) <= LARGEST_PADDING else f"more than {LARGEST_PADDING:,}"
            raise fail("NII-013", path, f"{shown} bytes follow the last voxel of {header.shape}")
    notes = (f"{stream.extra:,} bytes that are not gzip follow the data",) if stream.extra else ()
    return header, data, notes


def _truncated(path: Path, found: int, header: Header) -> Exception:
    return fail("NII-002", path, f"{found:,} bytes, the header needs {header.needed:,}")


def _voxels(header: Header, raw: bytearray, path: Path, least_values: int) -> tuple[np.ndarray, tuple[str, ...]]:
    count = header.shape[0] * header.shape[1] * header.shape[2]
    stored = np.frombuffer(raw, header.dtype, count, header.offset).reshape(header.shape, order="F")
    notes: list[str] = []
    with np.errstate(over="ignore", invalid="ignore"):
        voxels = stored.astype(np.float32)
        if (scale := _scale(header, path, notes)) is not None:
            voxels = voxels * np.float32(scale[0]) + np.float32(scale[1])
    bad = ~np.isfinite(voxels)
    if bad.any():
        if bad.mean() >= MOST_NAN:
            raise fail("NII-021", path, f"{100 * bad.mean():.1f} % of the voxels")
        voxels[bad] = 0
        notes.append(f"{int(bad.sum())} voxels were not finite and were set to 0")
    some = voxels[::2, ::2, ::2]
    if all(len(np.unique(part)) < least_values for part in (some[::2, ::2, ::2], some, voxels)):
        raise fail("NII-022", path, f"it has fewer than {least_values} different values")
    air = ((some >= AIR[0]) & (some <= AIR[1])).mean()
    if least_values >= LEAST_VALUES and air >= MOST_AIR:
        raise fail("NII-023", path, f"{100 * air:.0f} % of the voxels lie near -1000, as air does in Hounsfield units")
    return voxels, tuple(notes)


def _scale(header: Header, path: Path, notes: list[str]) -> tuple[float, float] | None:
    """Slope and intercept where the header has some; 0 and NaN mean none in the standard and among writers."""
    slope, intercept = float(header.fields["scl_slope"]), float(header.fields["scl_inter"])
    if np.isinf(slope):
        notes.append("the intensity slope is infinite and was left out")
    if not np.isfinite(slope) or slope == 0 or (slope, intercept) == (1.0, 0.0):
        return None
    if not np.isfinite(intercept) or max(abs(slope), abs(intercept)) > LARGEST_SCALE:
        raise fail("NII-020", path, f"slope {slope:g}, intercept {intercept:g}")
    return slope, intercept
