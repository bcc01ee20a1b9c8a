"""Random variation of training volumes: draw, then act. Background stays exactly 0, values stay on [0, 1].

Everything here runs without gradients: it makes the input, nothing flows back through it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from tlesynth.recipe import Augmentation
from tlesynth.training.scanner import degraded


@torch.no_grad()
def boxes(
    x: Tensor, settings: Augmentation, sides: tuple[int, int, int] | None, draws: torch.Generator, spacing: float = 1.5
) -> Tensor:
    """``cropped`` of what ``moved`` makes of volumes (B, 1, X, Y, Z), bit for bit, without mirroring what is cut away.

    A volume that is only mirrored is cropped at the mirrored place, and its box is mirrored. One that is resampled as
    well has to be mirrored whole, before.
    """
    motion = _drawn(len(x), settings, draws)
    late = motion.mirrored & ~motion.resampled
    return _boxes(_moved(x, motion, motion.mirrored & motion.resampled, settings, spacing), sides, late, draws)


@torch.no_grad()
def moved(x: Tensor, settings: Augmentation, draws: torch.Generator, spacing: float = 1.5) -> Tensor:
    """Mirrored, rotated, scaled and shifted copies of volumes (B, 1, X, Y, Z); ``spacing`` in mm a voxel.

    Each volume has draws of its own, taken from ``draws`` in a fixed number, whatever is switched on.
    """
    motion = _drawn(len(x), settings, draws)
    return _moved(x, motion, motion.mirrored, settings, spacing)


@torch.no_grad()
def cropped(x: Tensor, sides: tuple[int, int, int] | None, draws: torch.Generator) -> Tensor:
    """A box of ``sides`` voxels of each volume (B, 1, X, Y, Z), at a random place within the brain's bounding box.

    None, or sides as large as the volume, leave that axis whole.
    """
    return x if sides is None else _boxes(x, sides, torch.zeros(len(x), dtype=torch.bool), draws)


@torch.no_grad()
def recoloured(x: Tensor, settings: Augmentation, draws: torch.Generator) -> Tensor:
    """Volumes or crops (B, 1, X, Y, Z) on [0, 1] with another contrast and brightness, a bias field and noise.

    After ``cropped``, to be cheap. Two draws a volume are taken, whatever is switched on; ``degraded`` takes its own
    where it is.
    """
    u = 2 * torch.rand(len(x), 2, generator=draws) - 1  # (B, 2)
    if settings.gamma:
        x = x.pow(_per_volume(torch.exp(u[:, 0] * settings.gamma), x))
    if settings.gain:
        x = (x * _per_volume(1 + u[:, 1] * settings.gain, x)).clamp(0, 1)
    x = degraded(x, settings, draws)
    return x.contiguous(memory_format=torch.channels_last_3d)


def affine_matrices(u: Tensor, settings: Augmentation, shape: Sequence[int], spacing: float) -> Tensor:
    """Maps of ``affine_grid`` (B, 3, 4) for draws ``u`` (B, 9) on [-1, 1]: rotations, sizes, shifts.

    ``affine_grid`` counts axes backwards and measures each in half sides, so that a rotation in voxels has to be
    carried into those units.
    """
    turn = _rotations(u[:, 0:3] * math.radians(settings.rotation_deg))  # (B, 3, 3)
    matrix = turn * (1 + u[:, 3:6] * settings.scale).unsqueeze(1)  # columns: sizes
    half = torch.tensor([side / 2 for side in shape])  # voxels
    matrix = matrix * half.view(1, 1, 3) / half.view(1, 3, 1)
    shift = u[:, 6:9] * settings.shift_mm / spacing / half
    return torch.cat([matrix.flip(1, 2), shift.flip(1).unsqueeze(2)], dim=2)


def resampled(x: Tensor, matrices: Tensor) -> Tensor:
    """Volumes (B, 1, X, Y, Z) seen through ``matrices`` (B, 3, 4), trilinear; what lies outside is background."""
    grid = F.affine_grid(matrices.to(x.dtype), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


@dataclass(frozen=True)
class _Motion:
    """What is drawn for each of B volumes: whether it is mirrored, whether resampled, and how (B, 9) on [-1, 1]."""

    mirrored: Tensor
    resampled: Tensor
    places: Tensor


def _drawn(volumes: int, settings: Augmentation, draws: torch.Generator) -> _Motion:
    u = torch.rand(volumes, 11, generator=draws)  # (B, 11)
    return _Motion((u[:, 0] < 0.5) & settings.flip, u[:, 1] < settings.affine_share, 2 * u[:, 2:11] - 1)


def _moved(x: Tensor, motion: _Motion, mirrored: Tensor, settings: Augmentation, spacing: float) -> Tensor:
    """Volumes of which those that are ``mirrored`` (B,) are mirrored now, and then resampled as drawn."""
    if bool(mirrored.any()):
        x = torch.where(_per_volume(mirrored, x), x.flip(2), x)
    if bool(motion.resampled.any()):
        # Places are products of matrices: in autocast's bfloat16 they would miss by half a voxel.
        with torch.autocast(x.device.type, enabled=False):
            matrices = affine_matrices(motion.places, settings, x.shape[2:], spacing)  # (B, 3, 4)
            x = torch.where(_per_volume(motion.resampled, x), resampled(x, matrices.to(x.device)), x)
    return x.contiguous(memory_format=torch.channels_last_3d)


def _boxes(x: Tensor, sides: tuple[int, int, int] | None, mirrored: Tensor, draws: torch.Generator) -> Tensor:
    """The boxes that ``cropped`` would take, had the volumes that are ``mirrored`` (B,) been mirrored before."""
    if sides is None:
        return torch.where(_per_volume(mirrored, x), x.flip(2), x) if bool(mirrored.any()) else x
    wanted = [min(side, whole) for side, whole in zip(sides, x.shape[2:], strict=True)]
    parts = []
    for volume, turned in zip(x, mirrored.tolist(), strict=True):
        u = torch.rand(3, generator=draws).tolist()
        filled = _filled(volume[0])
        if turned:
            filled = (filled[0].flip(0), *filled[1:])
        starts = [_start(planes, side, share) for planes, side, share in zip(filled, wanted, u, strict=True)]
        if turned:
            starts[0] = volume.shape[1] - wanted[0] - starts[0]
        part = volume[(slice(None), *(slice(a, a + side) for a, side in zip(starts, wanted, strict=True)))]
        parts.append(part.flip(1) if turned else part)
    return torch.stack(parts).contiguous(memory_format=torch.channels_last_3d)


def _start(filled: Tensor, side: int, share: float) -> int:
    """First plane of a box of ``side`` planes within those that are ``filled`` (N,) bool; ``share`` in [0, 1) draws."""
    planes = filled.nonzero().flatten()
    first, last = (int(planes[0]), int(planes[-1])) if len(planes) else (0, len(filled) - 1)
    latest = max(first, last + 1 - side)
    return min(first + math.floor(share * (latest - first + 1)), len(filled) - side)


def _rotations(angles: Tensor) -> Tensor:
    """Rotation matrices (B, 3, 3) about x, then y, then z, of ``angles`` (B, 3) in radians."""
    cos, sin = angles.cos(), angles.sin()
    zero, one = torch.zeros(len(angles)), torch.ones(len(angles))
    rows = [
        [one, zero, zero, zero, cos[:, 0], -sin[:, 0], zero, sin[:, 0], cos[:, 0]],
        [cos[:, 1], zero, sin[:, 1], zero, one, zero, -sin[:, 1], zero, cos[:, 1]],
        [cos[:, 2], -sin[:, 2], zero, sin[:, 2], cos[:, 2], zero, zero, zero, one],
    ]
    about_x, about_y, about_z = (torch.stack(row, dim=1).view(-1, 3, 3) for row in rows)
    return about_z @ about_y @ about_x


def _filled(volume: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Which planes along each axis of (X, Y, Z) are not all background: (X,), (Y,), (Z,) bool.

    Two passes over the volume serve the three axes.
    """
    along_z, along_x = volume.amax(2), volume.amax(0)  # (X, Y), (Y, Z)
    return along_z.amax(1) > 0, along_z.amax(0) > 0, along_x.amax(0) > 0


def _per_volume(values: Tensor, x: Tensor) -> Tensor:
    return values.to(x.device).view(-1, 1, 1, 1, 1)
