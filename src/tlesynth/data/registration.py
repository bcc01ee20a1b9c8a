"""A piece of the template warped onto a scan by symmetric demons (Thirion 1998; Vercauteren et al. 2009).

It runs on a small box of the 3 mm grid, several scans at once, in hundredths of a second each. What it gives is the
Jacobian determinant of the warp: its integral over a structure of the template is the structure's volume in the scan.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from tlesynth.data.resampling import WORK

ITERATIONS, STEP = 20, 2.0
FLUID_MM, ELASTIC_MM = 4.5, 1.2
"""Gaussian widths that smooth each update and the displacement; fitted once on simulated heads."""

Bounds: TypeAlias = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
"""First and last RAS mm along each axis."""


@dataclass(frozen=True, eq=False)
class Box:
    """A part of ``WORK``: its slices, each voxel's place (3, X, Y, Z) in voxels, and the two smoothers by axis."""

    slices: tuple[slice, ...]
    places: Tensor
    fluid: list[Tensor]
    elastic: list[Tensor]


@lru_cache(maxsize=4)
def box(bounds: Bounds) -> Box:
    """The voxels of ``WORK`` within ``bounds``."""
    slices = tuple(slice(WORK.index(a, low), WORK.index(a, high) + 1) for a, (low, high) in enumerate(bounds))
    axes = [torch.arange(s.stop - s.start, dtype=torch.float32) for s in slices]
    places = torch.stack(torch.meshgrid(*axes, indexing="ij"))
    fluid, elastic = ([_gaussian(len(a), mm / WORK.spacing) for a in axes] for mm in (FLUID_MM, ELASTIC_MM))
    return Box(slices, places, fluid, elastic)


def volume_ratio(template: Tensor, scan: Tensor, within: Box) -> Tensor:
    """How much larger each place of ``template`` is in ``scan``, both (B, 1, X, Y, Z): (B, X, Y, Z); folds count 0."""
    displacement = _register(template, scan, within)
    slopes = torch.stack(torch.gradient(displacement, dim=(2, 3, 4)), dim=2)  # (B, 3, 3, X, Y, Z)
    return torch.linalg.det(slopes.permute(0, 3, 4, 5, 1, 2) + torch.eye(3)).clamp(min=0)


def _register(template: Tensor, scan: Tensor, within: Box) -> Tensor:
    """Displacement (B, 3, X, Y, Z) in voxels that finds in ``scan`` what stands at each place of ``template``."""
    displacement = torch.zeros(len(scan), 3, *scan.shape[2:])
    slope = _gradient(template)
    for _ in range(ITERATIONS):
        warped = _warp(scan, displacement, within.places)
        difference = template - warped
        force = (_gradient(warped) + slope) / 2
        update = difference * force / ((force**2).sum(1, keepdim=True) + difference**2 + 1e-4)
        displacement = _smooth(displacement + STEP * _smooth(update, within.fluid), within.elastic)
    return displacement


def _warp(scan: Tensor, displacement: Tensor, places: Tensor) -> Tensor:
    where, shape = places + displacement, scan.shape[2:]
    unit = torch.stack([2 * where[:, a] / (shape[a] - 1) - 1 for a in (2, 1, 0)], dim=-1)
    return grid_sample(scan, unit, align_corners=True, padding_mode="border")


def _gradient(image: Tensor) -> Tensor:
    """Central differences of (B, 1, X, Y, Z) per voxel: (B, 3, X, Y, Z)."""
    return torch.cat(torch.gradient(image, dim=(2, 3, 4)), dim=1)


def _smooth(field: Tensor, widths: list[Tensor]) -> Tensor:
    """Gaussian smoothing of (B, 3, X, Y, Z) as one matrix product per axis."""
    x, y, z = widths
    inner = torch.matmul(y, field @ z.T)
    return torch.matmul(x, inner.flatten(3)).reshape(field.shape)


def _gaussian(n: int, sigma: float) -> Tensor:
    distance = torch.arange(n)[:, None] - torch.arange(n)[None]
    weights = torch.exp(-0.5 * (distance / sigma) ** 2)
    return weights / weights.sum(dim=1, keepdim=True)
