"""The volume of each structure of one scan, in mm3: in its own head (native) and in MNI space.

``hippocampus_left_native_mm3`` is the figure to use: the template's mesial temporal lobe is warped onto the scan
(``data.structures``). ``hippocampus_left_tissue_native_mm3`` counts grey matter inside the analytic structure laid on
the affine scan, which a hippocampus that lies elsewhere falsifies; ``hippocampus_left_jacobian_native_mm3`` integrates
the Jacobian of the whole brain's non-linear warp. Native is MNI times the affine's determinant.
"""

from __future__ import annotations

import numpy as np

from tlesynth.data.anatomy import SIDES, STRUCTURES, structure_mask
from tlesynth.data.hippocampus import hippocampi
from tlesynth.data.preprocess.tissue import Tissues
from tlesynth.data.template import Template, load_template
from tlesynth.volume import Grid


def by_registration(voxels: np.ndarray, grid: Grid, determinant: float) -> dict[str, float]:
    """The hippocampi of a T1 (X, Y, Z) on [0, 1] in affine MNI space; nothing where its tissues look alike."""
    found = hippocampi(voxels, grid)
    if found is None:
        return {}
    return _both_spaces({"hippocampus_left": found.left, "hippocampus_right": found.right}, determinant)


def by_tissue(tissues: Tissues, mask: np.ndarray, grid: Grid, determinant: float) -> dict[str, float]:
    """Structures by the scan's own tissue maps in affine MNI space; totals of tissue and of the brain ``mask``.

    ``determinant`` is that of the affine from MNI to native.
    """
    own = Template(mask.astype(np.float32), tissues.gm, tissues.wm, tissues.csf, mask.astype(np.float32))
    voxel = grid.spacing**3
    found = {
        f"{name}_{side}_tissue": float(structure_mask(name, own, grid, side).sum()) * voxel
        for name in STRUCTURES
        for side in SIDES
    }
    totals = {**tissues.maps(), "brain": mask}
    found |= {name: float(part.sum(dtype=np.float64)) * voxel for name, part in totals.items()}
    return _both_spaces(found, determinant)


def by_jacobian(jacobian: np.ndarray, grid: Grid, determinant: float) -> dict[str, float]:
    """Structures as the integral of a warp's Jacobian (X, Y, Z) over the template's structures."""
    template, voxel = load_template(grid), grid.spacing**3
    found = {
        f"{name}_{side}_jacobian": float((structure_mask(name, template, grid, side) * jacobian).sum()) * voxel
        for name in STRUCTURES
        for side in SIDES
    }
    return _both_spaces(found, determinant)


def _both_spaces(mni: dict[str, float], determinant: float) -> dict[str, float]:
    spaces = {"native": determinant, "mni": 1.0}
    return {
        f"{name}_{space}_mm3": round(value * factor, 1)
        for name, value in mni.items()
        for space, factor in spaces.items()
    }
