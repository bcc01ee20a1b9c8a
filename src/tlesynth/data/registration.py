"""A piece of the template warped onto a scan by demons (Thirion 1998; Vercauteren et al. 2009) on local contrast.

Both images are first divided by their own spread in a window of centimetres, less its mean: what is left is the shape
of the edges, whatever the scanner's contrast and shading. It runs on a small box, several scans at once, in tenths of
a second each; a grid finer than 3 mm is begun at twice its spacing. The Jacobian determinant of the warp, integrated
over a structure of the template, is the structure's volume in the scan.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn.functional import grid_sample, interpolate

from tlesynth.data.resampling import FWHM, WORK
from tlesynth.volume import Grid

ITERATIONS, STEP = 20, 2.0
FLUID_MM, ELASTIC_MM = 4.5, 1.2
"""Gaussian widths that smooth each update and the displacement on the scan's own grid; twice as wide at the start."""
WINDOW_MM, FLAT, CONTRAST = 6.0, 0.05, 0.25
"""Gaussian window of the local contrast; intensity spread below which a place counts as flat; spread afterwards."""

Bounds: TypeAlias = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
"""First and last RAS mm along each axis."""


@dataclass(frozen=True, eq=False)
class Box:
    """A part of ``grid``: its slices, and its shape in voxels."""

    grid: Grid
    slices: tuple[slice, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along each axis."""
        x, y, z = (part.stop - part.start for part in self.slices)
        return x, y, z


def box(bounds: Bounds, grid: Grid) -> Box:
    """The voxels of ``grid`` within ``bounds``."""
    return Box(grid, tuple(slice(grid.index(a, low), grid.index(a, high) + 1) for a, (low, high) in enumerate(bounds)))


def register(template: Tensor, scan: Tensor, within: Box) -> Tensor:
    """Displacement (B, 3, X, Y, Z) in voxels that finds in ``scan`` what stands at each place of ``template``, both
    (B, 1, X, Y, Z).
    """
    template, scan = (local_contrast(image, within) for image in (template, scan))
    displacement = torch.zeros(len(scan), 3, *within.shape)
    if within.grid.spacing < WORK.spacing:
        half = [max(round(n / 2), 2) for n in within.shape]
        widths = [_gaussian(n, 2 / FWHM) for n in within.shape]
        coarse = [_resized(_smooth(image, widths), half) for image in (template, scan)]
        begun = _demons(*coarse, _resized(displacement, half), within.grid.spacing)
        ratio = torch.tensor([(n - 1) / (m - 1) for n, m in zip(within.shape, half, strict=True)])
        displacement = _resized(begun, within.shape) * ratio.reshape(3, 1, 1, 1)
    return _demons(template, scan, displacement, within.grid.spacing)


def volume_ratio(displacement: Tensor) -> Tensor:
    """How much larger each place of the template is in the scan: (B, X, Y, Z) of (B, 3, X, Y, Z); folds count 0."""
    slopes = torch.stack(torch.gradient(displacement, dim=(2, 3, 4)), dim=2)  # (B, 3, 3, X, Y, Z)
    return torch.linalg.det(slopes.permute(0, 3, 4, 5, 1, 2) + torch.eye(3)).clamp(min=0)


def carried(scan: Tensor, displacement: Tensor) -> Tensor:
    """``scan`` (B, 1, X, Y, Z) read where the displacement points: what stands at each place of the template."""
    shape = scan.shape[2:]
    where = _places(tuple(shape)) + displacement
    unit = torch.stack([2 * where[:, a] / (shape[a] - 1) - 1 for a in (2, 1, 0)], dim=-1)
    return grid_sample(scan, unit, align_corners=True, padding_mode="border")


def local_contrast(image: Tensor, within: Box) -> Tensor:
    """(B, 1, X, Y, Z) less its mean in a Gaussian window, over its spread there, times ``CONTRAST``."""
    window = [_gaussian(n, WINDOW_MM / within.grid.spacing) for n in within.shape]
    mean = _smooth(image, window)
    variance = (_smooth(image * image, window) - mean * mean).clamp(min=0)
    return CONTRAST * (image - mean) / (variance + FLAT**2).sqrt()


def _demons(template: Tensor, scan: Tensor, displacement: Tensor, finest_mm: float) -> Tensor:
    """``displacement`` (B, 3, X, Y, Z) improved, in voxels of the images it is given with."""
    shape = scan.shape[2:]
    fluid, elastic = ([_gaussian(n, mm / finest_mm) for n in shape] for mm in (FLUID_MM, ELASTIC_MM))
    slope = _gradient(template)
    for _ in range(ITERATIONS):
        warped = carried(scan, displacement)
        difference = template - warped
        force = (_gradient(warped) + slope) / 2
        update = difference * force / ((force**2).sum(1, keepdim=True) + difference**2 + 1e-4)
        displacement = _smooth(displacement + STEP * _smooth(update, fluid), elastic)
    return displacement


def _resized(image: Tensor, shape: list[int] | tuple[int, ...]) -> Tensor:
    return interpolate(image, size=list(shape), mode="trilinear", align_corners=True)


@lru_cache(maxsize=8)
def _places(shape: tuple[int, ...]) -> Tensor:
    """Each voxel's own place, (3, X, Y, Z) voxels."""
    return torch.stack(torch.meshgrid(*[torch.arange(n, dtype=torch.float32) for n in shape], indexing="ij"))


def _gradient(image: Tensor) -> Tensor:
    """Central differences of (B, 1, X, Y, Z) per voxel: (B, 3, X, Y, Z)."""
    return torch.cat(torch.gradient(image, dim=(2, 3, 4)), dim=1)


def _smooth(field: Tensor, widths: list[Tensor]) -> Tensor:
    """Gaussian smoothing of (B, C, X, Y, Z) as one matrix product per axis."""
    x, y, z = widths
    inner = torch.matmul(y, field @ z.T)
    return torch.matmul(x, inner.flatten(3)).reshape(field.shape)


@lru_cache(maxsize=64)
def _gaussian(n: int, sigma: float) -> Tensor:
    """Weights (n, n) of a Gaussian of ``sigma`` voxels, rows summing to 1."""
    distance = torch.arange(n)[:, None] - torch.arange(n)[None]
    weights = torch.exp(-0.5 * (distance / sigma) ** 2)
    return weights / weights.sum(dim=1, keepdim=True)
