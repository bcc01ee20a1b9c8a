"""A volume that CAT12 or SPM has normalised, taken over voxel by voxel: cropped to the grid, never resampled.

CAT12 writes 113 x 137 x 113 voxels of 1.5 mm, whose last planes are dropped; SPM's older box of 121 x 145 x 121 holds
the same lattice. Its voxel centres lie 0.75 mm from the grid's on each axis; the sidecar keeps the true affine.
Intensities: a T1 follows the usual convention inside the template's brain. Grey matter is only clipped to [0, 1]: a
scale of each scan's own would hide a loss of grey matter.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tlesynth.data.anatomy import SIDES, structure_mask
from tlesynth.data.preprocess.preparation import Prepared, normalised
from tlesynth.data.preprocess.quality import Quality, measure
from tlesynth.data.preprocess.registration import LEAST_CORRELATION
from tlesynth.data.template import Template, load_template
from tlesynth.errors import fail
from tlesynth.recipe import Preprocess
from tlesynth.volume import GRIDS, Volume, read

FIRST = (-84.0, -120.0, -72.0)
"""RAS mm of the first voxel that is kept."""
LATTICE = 0.05
"""Voxels by which a lattice may miss CAT12's."""
GREY = ("hippocampus", "amygdala")


def prepare_imported(path: Path, settings: Preprocess) -> Prepared:
    """One of CAT12's volumes of ``settings.import_kind`` as if it had been prepared here; no registration is run.

    Raises:
        TlesynthError: an NII code if it cannot be read, NII-030 if its lattice is not CAT12's or SPM's at 1.5 mm,
            REG-001 if it does not look like the template.
    """
    grid, whole = GRIDS[settings.grid], read(path)
    voxels, affine = _cropped(whole, path)
    template = load_template(grid)
    mask = template.mask > 0
    facts = {"ImportedFrom": Path(path).name, "ImportedKind": settings.import_kind, "ImportedAffine": affine.tolist()}
    if settings.import_kind == "t1":
        voxels = normalised(voxels, mask)
        _require_likeness(voxels, template.t1, mask)
        quality = measure(voxels, mask, np.eye(4), _millilitres(mask), grid)
        return Prepared(voxels, mask, np.eye(4), quality, "imported", facts=facts)
    likeness = _require_likeness(voxels, template.gm, mask)
    volumes = _volumes(voxels) if settings.import_kind == "gm" else {}
    kept = np.where(mask, np.clip(voxels, 0, 1), 0).astype(np.float32)
    # Measures of contrast and noise mean nothing on a grey matter map.
    quality = Quality(0.0, 0.0, 0.0, _millilitres(mask), dice=1.0, correlation=likeness, determinant=1.0, poles=1.0)
    return Prepared(kept, mask, np.eye(4), quality, "imported", volumes=volumes, facts=facts)


def _cropped(whole: Volume, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The grid's part of a volume, and the affine of that part."""
    grid = GRIDS["mni-1.5mm"]
    expected = np.diag([grid.spacing] * 3)
    if not np.allclose(whole.affine[:3, :3], expected, atol=1e-3):
        raise fail("NII-030", path, f"voxels of {' x '.join(f'{s:.3g}' for s in whole.spacing)} mm, or turned axes")
    steps = (np.array(FIRST) - whole.affine[:3, 3]) / grid.spacing
    start = np.rint(steps).astype(int)
    stop = start + grid.shape
    if np.abs(steps - start).max() > LATTICE:
        raise fail(
            "NII-030", path, f"its lattice lies {np.abs(steps - start).max() * grid.spacing:.2f} mm beside CAT12's"
        )
    if (start < 0).any() or (stop > whole.voxels.shape).any():
        raise fail("NII-030", path, f"{whole.voxels.shape} voxels do not hold the grid's box")
    part = whole.voxels[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))]
    affine = whole.affine.copy()
    affine[:3, 3] += grid.spacing * start
    return np.ascontiguousarray(part), affine


def _require_likeness(voxels: np.ndarray, reference: np.ndarray, mask: np.ndarray) -> float:
    """Pearson's r with the template inside the brain; refused where it is next to nothing."""
    inside = voxels[mask]
    likeness = float(np.corrcoef(inside, reference[mask])[0, 1]) if inside.std() > 0 else 0.0
    if likeness < LEAST_CORRELATION:
        raise fail("REG-001", "", f"correlation {likeness:.2f} with the template; {LEAST_CORRELATION:.2f} is needed")
    return likeness


def _volumes(grey: np.ndarray) -> dict[str, float]:
    """Native mm3: a fully modulated map holds the scan's own volume in each voxel."""
    grid = GRIDS["mni-1.5mm"]
    own = Template(grey, grey, grey, grey, grey)
    pairs = [(name, side) for name in GREY for side in SIDES]
    sums = {f"{n}_{side}": structure_mask(n, own, grid, side).sum(dtype=np.float64) for n, side in pairs}
    sums["gm"] = grey.sum(dtype=np.float64)
    return {f"{name}_native_mm3": round(float(total) * grid.spacing**3, 1) for name, total in sums.items()}


def _millilitres(mask: np.ndarray) -> float:
    return float(mask.sum() * GRIDS["mni-1.5mm"].spacing ** 3 / 1000)
