"""The MNI grid: one box in MNI152NLin2009aSym, sampled at 1.5 mm (the paper's) or 3 mm (the demo's).

The box is symmetric about the midsagittal plane, so flipping the first axis mirrors the brain exactly. CAT12's
113 x 137 x 113 output has the 1.5 mm grid's spacing with one more plane on each axis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tlesynth.durable import hash_of

SPACE = "MNI152NLin2009aSym"


@dataclass(frozen=True)
class Grid:
    """A regular RAS grid: ``shape`` voxels (right, anterior, superior) of ``spacing`` mm, the first at ``origin``."""

    name: str
    shape: tuple[int, int, int]
    spacing: float
    origin: tuple[float, float, float]

    @property
    def affine(self) -> np.ndarray:
        """Voxel index to RAS mm, (4, 4)."""
        affine = np.diag([self.spacing, self.spacing, self.spacing, 1.0])
        affine[:3, 3] = self.origin
        return affine

    @property
    def resolution(self) -> str:
        """The BIDS ``res-`` label: 1p5 or 3."""
        return f"{self.spacing:g}".replace(".", "p")

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the grid's numbers; models store it and refuse data on another."""
        return hash_of([SPACE, self.shape, self.spacing, self.origin])

    def world(self) -> np.ndarray:
        """RAS coordinates in mm of every voxel centre, (3, X, Y, Z) float32."""
        axes = [o + self.spacing * np.arange(n) for o, n in zip(self.origin, self.shape, strict=True)]
        return np.stack(np.meshgrid(*axes, indexing="ij")).astype(np.float32)

    def index(self, axis: int, millimetres: float) -> int:
        """The plane of ``axis`` (0, 1, 2) nearest to a world coordinate."""
        plane = round((millimetres - self.origin[axis]) / self.spacing)
        return min(max(plane, 0), self.shape[axis] - 1)


GRIDS = {
    "mni-1.5mm": Grid("mni-1.5mm", (112, 136, 112), 1.5, (-83.25, -119.25, -71.25)),
    "mni-3mm": Grid("mni-3mm", (56, 68, 56), 3.0, (-82.5, -118.5, -70.5)),
}
