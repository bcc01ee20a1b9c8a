"""The 2D slices of a head that slice-wise networks judge: the same positions of each plane in every head.

Slices that are mostly background say nothing about a brain, and all slices of one head say nearly the same; so a few
fixed positions per plane are taken, and uncertainty always comes from subjects.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from tlesynth.data.template import load_template
from tlesynth.volume import Grid

PLANES = {"sagittal": 0, "coronal": 1, "axial": 2}
STEP_MM = 12.0
INCEPTION_SIDE = 299
LEAST_BRAIN = 0.15
"""Share of a slice that the template's brain must fill."""


@lru_cache(maxsize=4)
def positions(grid: Grid) -> dict[str, tuple[int, ...]]:
    """Indices of the slices of each plane, every 12 mm where the template fills at least 15 % of the slice."""
    mask = load_template(grid).mask > 0
    step = round(STEP_MM / grid.spacing)
    chosen = {}
    for plane, axis in PLANES.items():
        filled = mask.mean(axis=tuple(a for a in range(3) if a != axis))
        kept = np.flatnonzero(filled >= LEAST_BRAIN)
        start = kept[0] + (len(kept) - 1) % step // 2
        chosen[plane] = tuple(int(i) for i in range(start, kept[-1] + 1, step))
    return chosen


def slices_of(volume: NDArray[np.floating], grid: Grid, plane: str) -> NDArray[np.float32]:
    """The slices (S, H, W) of one plane of a volume (X, Y, Z), inferior and posterior rows first."""
    axis = PLANES[plane]
    return np.stack([np.take(volume, i, axis) for i in positions(grid)[plane]]).astype(np.float32)


def all_coronal(volume: NDArray[np.floating]) -> NDArray[np.float32]:
    """Every coronal slice (Y, X, Z) of a volume (X, Y, Z), empty ones too."""
    return np.moveaxis(volume, PLANES["coronal"], 0).astype(np.float32)


def enlarged(images: Tensor) -> Tensor:
    """Square images (S, 3, side, side) at Inception's own size, by an antialiased bicubic filter."""
    return interpolate(images, (INCEPTION_SIDE, INCEPTION_SIDE), mode="bicubic", antialias=True).clamp(0, 1)


def as_images(slices: NDArray[np.float32]) -> Tensor:
    """Slices (S, H, W) on [0, 1] as three equal channels padded to a square: (S, 3, side, side) float32 on [0, 1]."""
    height, width = slices.shape[1:]
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    square = np.zeros((len(slices), side, side), np.float32)
    square[:, top : top + height, left : left + width] = slices
    return torch.from_numpy(square).clamp(0, 1)[:, None].expand(-1, 3, -1, -1).contiguous()
