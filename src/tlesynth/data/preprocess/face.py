"""Whether a raw head still has its face: nothing written here shows one, but the scans may be meant to have none.

Eyes, nose and cheeks lie before and below the frontal lobes, at places the affine map knows. In a defaced or
brain-extracted scan there is nothing.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from tlesynth.data.resampling import sample
from tlesynth.volume import Volume

BOX_MM = ((-40, 40), (72, 96), (-62, -30))
"""MNI; before the frontal poles and below the orbits' roof."""
STEP_MM = 4.0
TISSUE = 0.15
"""Share of the brain's median intensity above which a voxel is no air: fat and muscle are brighter, bone is darker."""
VISIBLE = 0.08
"""Share of the box that holds tissue from which on a face counts as visible: nine real heads had 0.15 to 0.51, two
extracted brains 0.00."""


def face_share(head: Volume, brain: np.ndarray, to_native: np.ndarray) -> float:
    """Share (0 to 1) of the place of the face that holds tissue.

    ``brain`` (X, Y, Z) bool is the head's mask, ``to_native`` (4, 4) takes MNI mm to its native mm.
    """
    axes = [np.arange(low, high + STEP_MM / 2, STEP_MM) for low, high in BOX_MM]
    points = np.array(list(product(*axes))).T  # (3, N)
    values = sample(head.voxels, head.affine, to_native[:3, :3] @ points + to_native[:3, 3:])
    return float((values > TISSUE * np.median(head.voxels[brain])).mean())
