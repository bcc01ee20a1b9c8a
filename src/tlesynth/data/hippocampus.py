"""The volume of each hippocampus from a T1 in affine MNI space, by warping the template's mesial temporal lobe onto it.

Symmetric demons on a small box per side (Thirion 1998; Vercauteren et al. 2009). The template is drawn with the scan's
own tissue intensities, so contrast does not matter; the volume is the integral of the Jacobian over the template's
hippocampus. Both sides use the same right-sided box, one through the mirror, so the measure itself prefers neither.
On simulated heads at 3 mm it follows the true asymmetry with r = 0.92, where the grey matter in a fixed tube reaches
0.53: a healthy hippocampus lies millimetres from the template's, and a fixed region mistakes that for loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import grid_sample

from tlesynth.data.anatomy import hippocampus_mask
from tlesynth.data.template import load_template
from tlesynth.data.tissue_levels import fit_tissues
from tlesynth.volume import GRIDS, Grid

WORK = GRIDS["mni-3mm"]
"""A finer grid is averaged onto it: the same figures on either."""

BOX_MM = ((9, 48), (-52, 6), (-37, 12))
ITERATIONS, STEP = 20, 2.0
FLUID_MM, ELASTIC_MM = 4.5, 1.2
"""Gaussian widths that smooth each update and the displacement; fitted once on simulated heads."""


@dataclass(frozen=True)
class Hippocampi:
    """Volumes in mm3 (MNI space)."""

    left: float
    right: float

    @property
    def asymmetry(self) -> float:
        """200 (R - L) / (R + L), percent; positive where the left is smaller."""
        return 200 * (self.right - self.left) / (self.right + self.left)


@dataclass(frozen=True, eq=False)
class _Atlas:
    """The right-sided box: slices into ``WORK``, shares of tissues (3, X, Y, Z) and hippocampus (X, Y, Z), places."""

    box: tuple[slice, ...]
    tissues: Tensor
    hippocampus: Tensor
    places: Tensor
    smoothers: tuple[list[Tensor], list[Tensor]]


def hippocampi(volume: NDArray[np.floating], grid: Grid) -> Hippocampi | None:
    """Hippocampal volumes of a T1 (X, Y, Z) on [0, 1], background 0; None where no three tissues can be told apart."""
    tissues = fit_tissues(volume[volume > 0])
    if tissues is None:
        return None
    atlas, coarse = _atlas(), _on_work(np.asarray(volume, np.float32), grid)
    scan = torch.from_numpy(np.stack([coarse[::-1][atlas.box], coarse[atlas.box]]))[:, None]  # (2, 1, X, Y, Z)
    means = torch.tensor([tissues.csf, tissues.grey, tissues.white])
    template = torch.tensordot(means, atlas.tissues, 1).expand_as(scan)
    with torch.inference_mode():
        left, right = (atlas.hippocampus * _jacobian(_register(template, scan, atlas))).double().sum((1, 2, 3)).tolist()
    return Hippocampi(left * WORK.spacing**3, right * WORK.spacing**3)


def _register(template: Tensor, scan: Tensor, atlas: _Atlas) -> Tensor:
    """Displacement (B, 3, X, Y, Z) in voxels that finds in ``scan`` what stands at each place of ``template``."""
    fluid, elastic = atlas.smoothers
    displacement = torch.zeros(len(scan), 3, *scan.shape[2:])
    slope = _gradient(template)
    for _ in range(ITERATIONS):
        warped = _warp(scan, displacement, atlas.places)
        difference = template - warped
        force = (_gradient(warped) + slope) / 2
        update = difference * force / ((force**2).sum(1, keepdim=True) + difference**2 + 1e-4)
        displacement = _smooth(displacement + STEP * _smooth(update, fluid), elastic)
    return displacement


def _warp(scan: Tensor, displacement: Tensor, places: Tensor) -> Tensor:
    where, shape = places + displacement, scan.shape[2:]
    unit = torch.stack([2 * where[:, a] / (shape[a] - 1) - 1 for a in (2, 1, 0)], dim=-1)
    return grid_sample(scan, unit, align_corners=True, padding_mode="border")


def _gradient(image: Tensor) -> Tensor:
    """Central differences of (B, 1, X, Y, Z) per voxel: (B, 3, X, Y, Z)."""
    return torch.cat(torch.gradient(image, dim=(2, 3, 4)), dim=1)


def _jacobian(displacement: Tensor) -> Tensor:
    """Local volume ratio (B, X, Y, Z) of x -> x + displacement(x); folds count as 0."""
    slopes = torch.stack(torch.gradient(displacement, dim=(2, 3, 4)), dim=2)  # (B, 3, 3, X, Y, Z)
    return torch.linalg.det(slopes.permute(0, 3, 4, 5, 1, 2) + torch.eye(3)).clamp(min=0)


def _smooth(field: Tensor, widths: list[Tensor]) -> Tensor:
    """Gaussian smoothing of (B, 3, X, Y, Z) as one matrix product per axis."""
    x, y, z = widths
    inner = torch.matmul(y, field @ z.T)
    return torch.matmul(x, inner.flatten(3)).reshape(field.shape)


def _on_work(volume: NDArray[np.float32], grid: Grid) -> NDArray[np.float32]:
    """The volume on ``WORK``; a finer grid of the same box is averaged over blocks."""
    ratio = round(WORK.spacing / grid.spacing)
    x, y, z = WORK.shape
    return volume.reshape(x, ratio, y, ratio, z, ratio).mean(axis=(1, 3, 5)) if ratio > 1 else volume


@lru_cache(maxsize=1)
def _atlas() -> _Atlas:
    template = load_template(WORK)
    box = tuple(slice(WORK.index(a, low), WORK.index(a, high) + 1) for a, (low, high) in enumerate(BOX_MM))
    tissues = torch.from_numpy(np.stack([m[box] for m in (template.csf, template.gm, template.wm)]))
    hippocampus = torch.from_numpy(hippocampus_mask(template, WORK, "right")[box])
    axes = [torch.arange(n, dtype=torch.float32) for n in hippocampus.shape]
    places = torch.stack(torch.meshgrid(*axes, indexing="ij"))
    fluid, elastic = ([_gaussian(len(a), mm / WORK.spacing) for a in axes] for mm in (FLUID_MM, ELASTIC_MM))
    return _Atlas(box, tissues, hippocampus, places, (fluid, elastic))


def _gaussian(n: int, sigma: float) -> Tensor:
    distance = torch.arange(n)[:, None] - torch.arange(n)[None]
    weights = torch.exp(-0.5 * (distance / sigma) ** 2)
    return weights / weights.sum(dim=1, keepdim=True)
