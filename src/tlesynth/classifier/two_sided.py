"""A small 3D residual network that looks at each half of the head beside the other, with the same eyes.

Each half is read twice, as the one in question and as the one to compare it with, the left one through the mirror. What
tells patients from controls is a symmetric function of both readings, what tells left from right an antisymmetric one:
a mirrored scan has the same chance of TLE, and exactly the opposite side. Nothing has to be learnt twice, which small
cohorts cannot afford.

It is the kind ``cnn3d``, and calibrates the simulation on crops (``severity``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from einops import reduce
from torch import Tensor, nn

from tlesynth.recipe import Cnn3d
from tlesynth.volume import Grid

FIELDS = {
    "mesial": ((8.0, 39.0), (-42.0, 5.0), (-34.0, 5.0)),
    "temporal": ((0.0, 54.0), (-58.0, 22.0), (-48.0, 30.0)),
    "brain": ((0.0, 90.0), (-130.0, 100.0), (-80.0, 110.0)),
}
"""RAS mm of what is seen of the right half: from the amygdala to the tail of the hippocampus; temporal lobe, insula and
thalamus; or everything."""
READ_MM = 3.0
"""Voxels that the network reads: those of a finer grid are averaged."""


@dataclass(frozen=True)
class Field:
    """The part of the right half that is seen, as slices of a symmetric grid, and how many voxels a side are averaged
    into one."""

    slices: tuple[slice, slice, slice]
    block: int


def field_on(grid: Grid, field: Literal["mesial", "temporal", "brain"]) -> Field:
    """Where ``field`` lies on ``grid``; its sides are multiples of the block."""
    block = max(1, round(READ_MM / grid.spacing))
    first, last = zip(*([grid.index(a, end) for end in ends] for a, ends in enumerate(FIELDS[field])), strict=True)
    first = (max(first[0], grid.shape[0] // 2), *first[1:])  # the planes from the middle on lie to the right
    sizes = ((end + 1 - start) // block * block for start, end in zip(first, last, strict=True))
    x, y, z = (slice(start, start + size) for start, size in zip(first, sizes, strict=True))
    return Field((x, y, z), block)


class Residual(nn.Module):
    """Two 3 x 3 x 3 convolutions beside a shortcut; halves the grid and widens."""

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv3d(width_in, width_out, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm3d(width_out),
            nn.ReLU(),
            nn.Conv3d(width_out, width_out, 3, padding=1, bias=False),
            nn.BatchNorm3d(width_out),
        )
        self.shortcut = nn.Conv3d(width_in, width_out, 1, stride=2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, X, Y, Z) to (B, C', X/2, Y/2, Z/2)."""
        return torch.relu(self.body(x) + self.shortcut(x))


class TwoSided(nn.Module):
    """Logits of TLE (symmetric) or of the left side (antisymmetric) from both halves of a head."""

    def __init__(self, width: int = 8, dropout: float = 0.3, task: Literal["tle", "side"] = "tle") -> None:
        """``width`` channels after the first block, twice as many after the second."""
        super().__init__()
        self.task = task
        self.encoder = nn.Sequential(Residual(2, width), Residual(width, 2 * width))
        last = nn.Linear(4 * width, 1) if task == "tle" else nn.Linear(2 * width, 1, bias=False)
        self.judge = nn.Sequential(nn.Dropout(dropout), last)

    def forward(self, halves: Tensor) -> Tensor:
        """Logits of the positive class, (B,), from (B, 2, X, Y, Z) on [0, 1], the second half mirrored onto the first:
        right and left, where the side is asked for."""
        both = torch.cat([halves, halves.flip(1)]).contiguous(memory_format=torch.channels_last_3d)  # (2B, 2, X, Y, Z)
        read = self.encoder(4 * (both - 0.6)).mean(dim=(2, 3, 4))  # (2B, 2W); tissue lies around 0
        one, other = read.chunk(2)  # (B, 2W) each
        if self.task == "side":
            return self.judge(other - one)[:, 0]
        return self.judge(torch.cat([one + other, (one - other).abs()], dim=1))[:, 0]


class TwoSidedClassifier(nn.Module):
    """The kind ``cnn3d``: what ``TwoSided`` says of the field of both halves, cut out of volumes on a grid."""

    def __init__(self, settings: Cnn3d, field: Field, task: Literal["tle", "side"]) -> None:
        super().__init__()
        self.field = field
        self.sides = TwoSided(settings.width, settings.dropout, task)

    def halves(self, volumes: Tensor) -> Tensor:
        """The right half and the mirrored left one, (B, 2, X', Y', Z'), of volumes (B, X, Y, Z)."""
        x, y, z = self.field.slices
        found = torch.stack([volumes[:, x, y, z], volumes.flip(1)[:, x, y, z]], dim=1)
        n = self.field.block
        return reduce(found, "b side (x i) (y j) (z k) -> b side x y z", "mean", i=n, j=n, k=n)

    def forward(self, volumes: Tensor) -> Tensor:
        """Logits of the positive class, (B,), from volumes (B, X, Y, Z) on [0, 1]."""
        return self.sides(self.halves(volumes))
