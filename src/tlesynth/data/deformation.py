"""Diffeomorphisms of the brain as exponentials of stationary velocity fields (scaling and squaring; Arsigny et al.
2006).

A field is (3, X, Y, Z) float32 in mm on a grid; the map it stands for is x -> x + displacement(x). exp(-v) inverts
exp(v).
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch.nn.functional import grid_sample, interpolate

from tlesynth.volume import Grid

SQUARINGS = 3
"""With the midpoint start, more squarings change the brain's volumes by less than 0.1 %."""


def exponential(velocity: np.ndarray, grid: Grid, squarings: int = SQUARINGS) -> np.ndarray:
    """The displacement (3, X, Y, Z) mm of exp(velocity): one short step, then composed with itself ``squarings`` times.

    The short step follows the midpoint rule: Euler's would shrink a contracted structure and its inverse by half a
    percent each. Points beyond the grid move like its border.
    """
    shape = velocity.shape[1:]
    # In grid_sample's own units ([-1, 1] across the grid, axes reversed) no step needs a conversion.
    unit = torch.tensor([2 / (grid.spacing * (n - 1)) for n in shape[::-1]]).reshape(1, 3, 1, 1, 1)
    first = torch.from_numpy(np.ascontiguousarray(velocity[::-1])).unsqueeze(0) * unit / 2**squarings
    axes = [torch.linspace(-1, 1, n) for n in shape]
    rest = torch.stack(torch.meshgrid(*axes, indexing="ij")[::-1], dim=-1).unsqueeze(0)
    step = _read(first, rest, first / 2)
    for _ in range(squarings):
        step = step + _read(step, rest, step)
    return np.ascontiguousarray((step / unit)[0].numpy()[::-1])


def _read(field: torch.Tensor, rest: torch.Tensor, displacement: torch.Tensor) -> torch.Tensor:
    """``field`` (1, 3, X, Y, Z) where ``displacement`` takes each voxel."""
    where = rest + displacement.permute(0, 2, 3, 4, 1)
    return grid_sample(field, where, mode="bilinear", padding_mode="border", align_corners=True)


def jacobian_determinant(displacement: np.ndarray, grid: Grid) -> np.ndarray:
    """Local volume ratio of x -> x + displacement(x), by central differences: (X, Y, Z) float32."""
    d = [[np.gradient(displacement[i], grid.spacing, axis=j) for j in range(3)] for i in range(3)]
    xx, yy, zz = d[0][0] + 1, d[1][1] + 1, d[2][2] + 1
    determinant = (
        xx * (yy * zz - d[1][2] * d[2][1])
        - d[0][1] * (d[1][0] * zz - d[1][2] * d[2][0])
        + d[0][2] * (d[1][0] * d[2][1] - yy * d[2][0])
    )
    return determinant.astype(np.float32)


def sample(values: np.ndarray, grid: Grid, points: np.ndarray, *, outside: str = "zeros") -> np.ndarray:
    """``values`` (C, X, Y, Z) on ``grid`` at ``points`` (3, ...) RAS mm, trilinear: (C, ...) float32.

    ``outside`` is zeros, or border for the nearest value of the grid.
    """
    shape, channels = points.shape[1:], values.shape[0]
    scaled = [
        (points[i] - np.float32(grid.origin[i])) * np.float32(2 / (grid.spacing * (grid.shape[i] - 1))) - 1
        for i in (2, 1, 0)
    ]
    where = torch.from_numpy(np.stack(scaled, axis=-1).reshape(1, 1, 1, -1, 3).astype(np.float32, copy=False))
    source = torch.from_numpy(np.array(values, np.float32)).unsqueeze(0)
    taken = grid_sample(source, where, mode="bilinear", padding_mode=outside, align_corners=True)
    return taken.numpy().reshape(channels, *shape)


def random_field(rng: np.random.Generator, grid: Grid, sigma: float, amplitude: float, channels: int = 3) -> np.ndarray:
    """A Gaussian random field (channels, X, Y, Z): white noise smoothed by ``sigma`` mm, then standard deviation
    ``amplitude``.

    It is drawn on a grid as coarse as its smoothness allows and interpolated, which costs a fraction and looks the
    same.
    """
    step = max(sigma / 2, grid.spacing)
    extent = [grid.spacing * (n - 1) for n in grid.shape]
    margin = 3
    shape = [int(np.ceil(e / step)) + 1 + 2 * margin for e in extent]
    noise = rng.standard_normal((channels, *shape))
    smooth = np.stack([gaussian_filter(c, sigma / step, mode="constant", truncate=3) for c in noise])
    inner = smooth[:, margin:-margin, margin:-margin, margin:-margin]
    # Smoothing white noise by a discrete kernel k scales its variance by (sum k^2) on each axis.
    impulse = np.zeros(8 * margin + 1)
    impulse[4 * margin] = 1
    gain = float(np.sum(gaussian_filter(impulse, sigma / step, truncate=3) ** 2)) ** 1.5
    coarse = torch.from_numpy((inner * (amplitude / gain)).astype(np.float32)).unsqueeze(0)
    return interpolate(coarse, size=grid.shape, mode="trilinear", align_corners=True)[0].numpy()
