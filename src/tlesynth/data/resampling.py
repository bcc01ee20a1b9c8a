"""Moving voxels between native space, axis-aligned working grids and the MNI grid without aliasing.

All matrices are RAS millimetres. Working on axis-aligned grids takes the scan's storage order and obliqueness out of
what follows: the same head stored flipped or oblique gives the same result.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy import ndimage

from tlesynth.volume import GRIDS, Grid

FWHM = 2.3548
"""Full width at half maximum of a Gaussian, in standard deviations."""
WORK = GRIDS["mni-3mm"]
"""The coarsest grid: a finer one of the same box is averaged onto it, so that figures are the same on either."""


@dataclass(frozen=True, eq=False)
class Working:
    """Voxels (X, Y, Z) float32 on an axis-aligned RAS grid of ``spacing`` mm whose first centre is ``origin`` (3,)."""

    voxels: np.ndarray
    origin: np.ndarray
    spacing: float

    @property
    def affine(self) -> np.ndarray:
        """Voxel index to RAS mm, (4, 4)."""
        affine = np.diag([self.spacing] * 3 + [1.0])
        affine[:3, 3] = self.origin
        return affine

    def centre_of_mass(self) -> np.ndarray:
        """Intensity-weighted centre in RAS mm, (3,)."""
        return self.origin + self.spacing * np.array(ndimage.center_of_mass(self.voxels))


def working(voxels: np.ndarray, affine: np.ndarray, spacing: float, *, within: np.ndarray | None = None) -> Working:
    """Resample voxels (X, Y, Z) onto an axis-aligned grid of ``spacing`` mm that holds all, or the mask ``within``.

    The grid's planes lie at whole multiples of ``spacing``, so that equal heads meet equal grids.
    """
    low, high = _box(voxels.shape, affine, within)
    origin = np.floor(low / spacing - 1) * spacing
    shape = np.ceil((high - origin) / spacing).astype(int) + 2
    to_world = np.diag([spacing] * 3 + [1.0])
    to_world[:3, 3] = origin
    placed = _interpolate(voxels, affine, to_world, (shape[0], shape[1], shape[2]), order=1)
    return Working(placed, origin, spacing)


def resample(
    voxels: np.ndarray, affine: np.ndarray, to_native: np.ndarray, grid: Grid, *, order: int = 1
) -> np.ndarray:
    """Read native voxels (X, Y, Z) at the points of ``grid``, (X', Y', Z') float32; outside the scan lies 0.

    ``affine`` is the scan's, ``to_native`` (4, 4) takes MNI mm to native mm. The scan is smoothed first as far as the
    grid is coarser than it is. ``order`` 1 is linear (no overshoot), 3 cubic (sharper).
    """
    return _interpolate(voxels, affine, to_native @ grid.affine, grid.shape, order)


def on_work(volume: np.ndarray, grid: Grid) -> np.ndarray:
    """A volume (X, Y, Z) on ``WORK``, float32; a finer ``grid`` of the same box is averaged over blocks."""
    volume, ratio = np.asarray(volume, np.float32), round(WORK.spacing / grid.spacing)
    x, y, z = WORK.shape
    return volume.reshape(x, ratio, y, ratio, z, ratio).mean(axis=(1, 3, 5)) if ratio > 1 else volume


def sample(voxels: np.ndarray, affine: np.ndarray, points: np.ndarray, order: int = 1) -> np.ndarray:
    """Values of voxels (X, Y, Z) at RAS ``points`` (3, N), float32; 0 outside."""
    inverse = np.linalg.inv(affine)
    index = inverse[:3, :3] @ points + inverse[:3, 3:]
    return ndimage.map_coordinates(voxels, index, order=order, output=np.float32)


def _interpolate(
    voxels: np.ndarray, affine: np.ndarray, to_world: np.ndarray, shape: tuple[int, int, int], order: int
) -> np.ndarray:
    """Values at the voxels of a target whose index-to-native-mm matrix is ``to_world``."""
    index = np.linalg.inv(affine) @ to_world
    cropped, start = _needed(np.asarray(voxels, np.float32), index, shape)
    if not cropped.size:
        return np.zeros(shape, np.float32)
    steps = np.sqrt((to_world[:3, :3] ** 2).sum(axis=0))
    sizes = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    blur = np.sqrt(np.maximum(steps.mean() ** 2 - sizes**2, 0)) / FWHM / sizes
    if (blur > 0.1).any():
        cropped = ndimage.gaussian_filter(cropped, blur, truncate=3, mode="nearest")
    offset = index[:3, 3] - start
    return ndimage.affine_transform(cropped, index[:3, :3], offset, output_shape=shape, order=order, output=np.float32)


def _needed(voxels: np.ndarray, index: np.ndarray, shape: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """The part of ``voxels`` that the target touches, with a margin for the filters, and where it starts."""
    margin = 8
    corners = np.array(list(product(*[(0, n - 1) for n in shape]))).T
    reached = index[:3, :3] @ corners + index[:3, 3:]
    low = np.clip(np.floor(reached.min(axis=1)).astype(int) - margin, 0, voxels.shape)
    high = np.clip(np.ceil(reached.max(axis=1)).astype(int) + margin + 1, 0, voxels.shape)
    return voxels[low[0] : high[0], low[1] : high[1], low[2] : high[2]], low


def _box(shape: tuple[int, ...], affine: np.ndarray, within: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest RAS coordinates, (3,) each, of all voxel centres or of those in ``within``."""
    if within is None:
        ends = [(0, n - 1) for n in shape]
    else:
        ends = [_ends(np.asarray(within.any(axis=tuple({0, 1, 2} - {axis})))) for axis in range(3)]
    corners = np.array(list(product(*ends))).T
    world = affine[:3, :3] @ corners + affine[:3, 3:]
    return world.min(axis=1), world.max(axis=1)


def _ends(used: np.ndarray) -> tuple[int, int]:
    where = np.flatnonzero(used)
    return (int(where[0]), int(where[-1])) if where.size else (0, len(used) - 1)
