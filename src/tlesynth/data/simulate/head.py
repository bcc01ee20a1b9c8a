"""The planted disease in one real head: signal, cortex and pole change first, then the mesial temporal region is
deformed.

Only voxels that move are interpolated (cubic, so that they stay sharp); every other voxel keeps its value.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from tlesynth.data import anatomy
from tlesynth.data.deformation import sample
from tlesynth.data.simulate import scan
from tlesynth.data.simulate.shape import FRAME_SIDES, REGION, Shape
from tlesynth.data.simulate.subjects import FRAME, Latents
from tlesynth.data.template import load_template
from tlesynth.volume import GRIDS, Volume

PLACES = GRIDS["mni-1.5mm"]
"""On which the signal changes are drawn."""
MIRROR = np.diag([-1.0, 1.0, 1.0, 1.0])
STILL_MM = 0.01
"""A voxel that would move by less keeps its value."""
PURE = 0.8
"""Template probability above which a voxel stands for its tissue's intensity."""


@dataclass(frozen=True, eq=False)
class Planted:
    """The altered voxels (X, Y, Z) float32 and the factor by which each voxel's volume changes (the Jacobian)."""

    voxels: np.ndarray
    jacobian: np.ndarray
    hippocampus: dict[str, np.ndarray]
    """The template's left and right hippocampus carried into this head, (X, Y, Z) in [0, 1]."""


def plant(head: Volume, brain: np.ndarray, to_native: np.ndarray, latents: Latents, made: Shape, side: str) -> Planted:
    """Give ``head`` the shape and the signal changes of ``latents``, with the focus on ``side``.

    ``brain`` (X, Y, Z) bool is its mask, ``to_native`` (4, 4) takes MNI mm to its native mm.
    """
    box = ndimage.find_objects(brain.astype(np.uint8))[0]
    inside, affine = brain[box], head.affine.copy()
    affine[:3, 3] += head.affine[:3, :3] @ [s.start for s in box]
    to_native = to_native @ MIRROR if side == "left" else to_native  # MNI from here on is the frame of the focus
    points = _world(inside.shape, np.linalg.inv(to_native) @ affine)
    thin, blur, signal, *tissues, ipsi, contra = sample(_fields(latents), PLACES, points)
    jacobian = 1 + sample(made.jacobian()[None] - 1, REGION, points)[0]
    came_from = made.came_from(points)
    painted = _painted(head.voxels[box], inside, tissues, (thin, blur, signal))
    warped = _warped(painted, came_from, points, to_native, affine)
    if not head.voxels[~brain].any():  # brain-extracted: nothing may leak over the edge
        warped[~inside] = 0
    voxels, change = head.voxels.copy(), np.ones(head.voxels.shape, np.float32)
    voxels[box] = warped
    change[box] = jacobian
    carried = {"left": np.zeros_like(change), "right": np.zeros_like(change)}
    for name, mask in zip(("left", "right") if side == "left" else ("right", "left"), (ipsi, contra), strict=True):
        carried[name][box] = mask * inside
    return Planted(voxels, change, carried)


def _fields(latents: Latents) -> np.ndarray:
    """On ``PLACES``, in the frame of the focus: thinning, blur, signal, GM, WM, CSF, ipsi and contra hippocampus."""
    template = load_template(PLACES)
    thin, blur = scan.signs(latents, PLACES)
    masks = [anatomy.hippocampus_mask(template, PLACES, FRAME_SIDES[where]) for where in FRAME]
    signal = sum(latents.signal[where] * mask for where, mask in zip(FRAME, masks, strict=True))
    return np.stack([thin, blur, signal, template.gm, template.wm, template.csf, *masks])


def _painted(
    voxels: np.ndarray, inside: np.ndarray, tissues: list[np.ndarray], changes: tuple[np.ndarray, ...]
) -> np.ndarray:
    """The head's own intensities, moved between its own tissues' levels."""
    levels = [_level(voxels, inside, tissue) for tissue in tissues]
    if not levels[2] < levels[0] < levels[1]:
        return voxels * (1 + changes[2])  # no T1 contrast to move along: only the signal change is meant anyway
    grey, white, csf = levels
    whiteness = np.clip((voxels - grey) / (white - grey), 0, 1)
    greyness = np.clip((voxels - csf) / (grey - csf), 0, 1) * (1 - whiteness)
    thin, blur, signal = changes
    change = thin * greyness * (csf - grey) + blur * whiteness * (grey - white)
    return (voxels + np.where(inside, change, 0)) * (1 + signal)


def _level(voxels: np.ndarray, inside: np.ndarray, tissue: np.ndarray) -> float:
    """Median intensity of a tissue, weighted towards its purest voxels."""
    pure = inside & (tissue > min(PURE, 0.9 * float(tissue.max())))
    return float(np.median(voxels[pure]))


def _warped(
    voxels: np.ndarray, came_from: np.ndarray, points: np.ndarray, to_native: np.ndarray, affine: np.ndarray
) -> np.ndarray:
    """``voxels`` pulled back from ``came_from`` (3, X, Y, Z) MNI mm wherever that is not where they already are."""
    moving = np.linalg.norm(came_from - points, axis=0) > STILL_MM
    if not moving.any():
        return voxels
    to_index = np.linalg.inv(affine) @ to_native
    index = to_index[:3, :3] @ came_from[:, moving] + to_index[:3, 3:]
    out = np.array(voxels, np.float32)
    taken = ndimage.map_coordinates(voxels.astype(np.float32), index, order=3, mode="nearest")
    out[moving] = np.clip(taken, voxels.min(), voxels.max())
    return out


def _world(shape: tuple[int, ...], affine: np.ndarray) -> np.ndarray:
    """Coordinates of every voxel under ``affine``: (3, X, Y, Z) float32."""
    index = np.indices(shape, dtype=np.float32)
    matrix, shift = affine[:3, :3].astype(np.float32), affine[:3, 3].astype(np.float32)
    return np.tensordot(matrix, index, 1) + shift.reshape(3, 1, 1, 1)
