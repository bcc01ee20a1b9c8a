"""Where a volume lies: the affine to trust, or the reason why left and right cannot be told."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np

from tlesynth.errors import fail
from tlesynth.volume.header import Header

SMALLEST, LARGEST, ROUNDING = 0.2, 6.0, 1e-3
"""Voxel sizes in mm that a T1 may have."""
MOST_SHEAR = 5.0
"""Degrees by which two axes may miss a right angle."""
FIELD = (30.0, 600.0)
"""Longest side in mm of anything read here, a crop included."""
HEAD = (100.0, 400.0)
"""Longest side in mm where the units are metres or microns, which most writers set by mistake."""
UNITS = {1: (1000.0, "metres"), 3: (0.001, "microns")}


def affine_of(header: Header, path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    """The voxel-to-RAS affine (4, 4) in mm: a sound sform, else a sound qform; with what was noticed.

    Raises:
        TlesynthError: NII-024 voxel size, NII-025 field of view, NII-026 unknown orientation, NII-027 two that differ
            in handedness, NII-028 no sound affine.
    """
    fields = header.fields
    with np.errstate(all="ignore"):  # what is not finite is refused below
        sform = _in_mm(fields.get_sform(), fields) if int(fields["sform_code"]) > 0 else None
        qform = _qform(fields)
    found = {name: a for name, a in (("sform", sform), ("qform", qform)) if a is not None}
    if not found:
        raise fail("NII-026", path)
    units = int(fields["xyzt_units"]) & 7
    if units in UNITS:
        _check_field(next(iter(found.values())), header, path, HEAD, f"the units are {UNITS[units][1]}: ")
    usable = {name: a for name, a in found.items() if not _fault(a)}
    if not usable:
        reason = _fault(next(iter(found.values())))
        raise fail("NII-024" if "voxel" in reason else "NII-028", path, reason)
    name, affine = next(iter(usable.items()))
    _check_field(affine, header, path, FIELD, "")
    if len(usable) == 2:
        return affine, _compared(usable["sform"], usable["qform"], header, path)
    return affine, ((f"only the {name} is usable",) if len(found) == 2 else ())


def _compared(sform: np.ndarray, qform: np.ndarray, header: Header, path: Path) -> tuple[str, ...]:
    if np.sign(np.linalg.det(sform[:3, :3])) != np.sign(np.linalg.det(qform[:3, :3])):
        raise fail("NII-027", path)
    corners = np.array([[x, y, z, 1] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float).T
    corners[:3] *= np.array(header.shape)[:, None]
    apart = np.abs((sform - qform) @ corners).max()
    angle = _angle(sform, qform)
    if apart <= 1 and angle <= 1:
        return ()
    turned = f" and {angle:.0f} degrees" if angle > 1 else ""
    return (f"sform and qform differ by up to {apart:.0f} mm{turned}; the sform is used",)


def _angle(first: np.ndarray, second: np.ndarray) -> float:
    """The largest angle in degrees between the same axis of two affines."""
    a, b = (m[:3, :3] / np.linalg.norm(m[:3, :3], axis=0) for m in (first, second))
    return float(np.degrees(np.arccos(np.clip((a * b).sum(axis=0), -1, 1))).max())


def _qform(fields: nib.Nifti1Header) -> np.ndarray | None:
    if int(fields["qform_code"]) <= 0:
        return None
    try:
        return _in_mm(fields.get_qform(), fields)
    except Exception:  # an impossible quaternion or pixdim; the sform may still be sound
        return np.full((4, 4), np.nan)


def _in_mm(affine: np.ndarray, fields: nib.Nifti1Header) -> np.ndarray:
    scaled = np.array(affine, dtype=float)
    scaled[:3] *= UNITS.get(int(fields["xyzt_units"]) & 7, (1.0, ""))[0]
    return scaled


def _check_field(affine: np.ndarray, header: Header, path: Path, field: tuple[float, float], units: str) -> None:
    sides = np.sqrt((affine[:3, :3] ** 2).sum(axis=0)) * header.shape
    if np.isfinite(sides).all() and not field[0] <= sides.max() <= field[1]:
        raise fail("NII-025", path, units + " x ".join(f"{s:,.4g}" for s in sides) + " mm")


def _fault(affine: np.ndarray) -> str:
    """Why an affine cannot be used, or nothing."""
    if not np.isfinite(affine).all():
        return "the affine is not finite"
    sizes = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    if (sizes < SMALLEST - ROUNDING).any() or (sizes > LARGEST + ROUNDING).any():
        return f"voxel sizes of {', '.join(f'{s:.3g}' for s in sizes)} mm"
    directions = affine[:3, :3] / sizes
    shear = np.abs(directions.T @ directions - np.eye(3)).max()
    return "" if shear < np.sin(np.radians(MOST_SHEAR)) else "the axes are not at right angles"
