"""Networks on volumes that do not fit in memory: overlapping tiles, blended where they meet.

Where two tiles meet, half of ``overlap`` is blended linearly in the middle of what they share; the rest, near a tile's
own edge, is dropped. For a network that sees no further than a quarter of ``overlap`` the result is that of the whole
volume: the lean coder, which normalises each voxel by itself, with an overlap wide enough. Group normalisation sees the
whole tile, so with tiles of a MONAI network it is another result: docs/pipeline.md says by how much.

The fine grid has ``factor`` voxels for each of the coarse one; tiles are laid out on the coarse one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

Span = tuple[int, int]
"""First voxel and the one after the last, on one axis."""


@dataclass(frozen=True)
class Tiling:
    """Sides of a tile and what neighbours share, in voxels of the coarse grid; sides are at least twice the overlap."""

    sides: tuple[int, int, int]
    overlap: int

    def spans(self, shape: tuple[int, int, int]) -> list[tuple[Span, Span, Span]]:
        """The tiles of a coarse grid of ``shape``, in order."""
        x, y, z = (spans_of(n, side, self.overlap) for n, side in zip(shape, self.sides, strict=True))
        return list(product(x, y, z))


def spans_of(n: int, side: int, overlap: int) -> list[Span]:
    """Spans of at most ``side`` voxels that cover ``n``, evenly spread, neighbours sharing at least ``overlap``.

    Spread evenly, no tile is a sliver whose statistics differ from its neighbours'.
    """
    if n <= side:
        return [(0, n)]
    count = -(-(n - overlap) // (side - overlap))
    starts = [round(i * (n - side) / (count - 1)) for i in range(count)]
    return [(start, start + side) for start in starts]


def weights_of(spans: list[Span], blend: int, factor: int) -> list[Tensor]:
    """The share of each span in each of its voxels, ``factor`` times finer; over all spans they sum to 1.

    Neighbours pass from one to the other over ``blend`` voxels, in the middle of what they share.
    """
    weights = [torch.ones((stop - start) * factor) for start, stop in spans]
    for left in range(len(spans) - 1):
        shared = (spans[left][1] - spans[left + 1][0]) * factor
        rise = _rise(shared, blend * factor)
        weights[left][-shared:] *= 1 - rise
        weights[left + 1][:shared] *= rise
    return weights


def tiled_down(network: Callable[[Tensor], tuple[Tensor, ...]], x: Tensor, tiling: Tiling, factor: int) -> list[Tensor]:
    """``network`` from fine to coarse: (B, C, X, Y, Z) -> the tensors it returns, each (B, C', X/f, Y/f, Z/f).

    Sides of ``x`` are multiples of ``factor``.
    """
    x_, y_, z_ = (side // factor for side in x.shape[2:])
    return _tiled(network, x, (x_, y_, z_), tiling, (factor, 1))


def tiled_up(network: Callable[[Tensor], Tensor], x: Tensor, tiling: Tiling, factor: int) -> Tensor:
    """``network`` from coarse to fine: (B, C, x, y, z) -> (B, C', x f, y f, z f)."""
    x_, y_, z_ = x.shape[2:]
    (whole,) = _tiled(lambda tile: (network(tile),), x, (x_, y_, z_), tiling, (1, factor))
    return whole


def _tiled(
    network: Callable[[Tensor], tuple[Tensor, ...]],
    x: Tensor,
    shape: tuple[int, int, int],
    tiling: Tiling,
    factors: tuple[int, int],
) -> list[Tensor]:
    """Run the tiles of a coarse grid of ``shape``; ``factors`` are the input's and the output's voxels to a coarse."""
    given, made = factors
    axes = [spans_of(n, side, tiling.overlap) for n, side in zip(shape, tiling.sides, strict=True)]
    blend = tiling.overlap // 2
    shares = [dict(zip(spans, weights_of(spans, blend, made), strict=True)) for spans in axes]
    wholes: list[Tensor] = []
    for tile in tiling.spans(shape):
        parts = network(x[(..., *_slices(tile, given))])
        if not wholes:
            wholes = [part.new_zeros(*part.shape[:2], *(n * made for n in shape)) for part in parts]
        wx, wy, wz = (share[span].to(x.device) for share, span in zip(shares, tile, strict=True))
        weight = wx[:, None, None] * wy[:, None] * wz
        for whole, part in zip(wholes, parts, strict=True):
            whole[(..., *_slices(tile, made))] += weight * part
    return wholes


def _slices(tile: tuple[Span, Span, Span], factor: int) -> tuple[slice, slice, slice]:
    x, y, z = (slice(start * factor, stop * factor) for start, stop in tile)
    return x, y, z


def _rise(shared: int, blend: int) -> Tensor:
    """0 to 1 over ``shared`` voxels: linear over the middle ``blend``, constant beside it, point-symmetric."""
    place = torch.arange(shared, dtype=torch.float64) + 0.5 - shared / 2
    return (place / blend + 0.5).clamp(0, 1).float()
