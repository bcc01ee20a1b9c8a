"""What the tokens are told: their place in mm, the timestep, and the conditions of the scan.

Sine-cosine codes as in DiT (arXiv 2212.09748) and DiT-3D (arXiv 2307.01831), for a non-cubic grid and in millimetres,
so that the same place has the same code on another patch size.

Shapes: B batch, N patch tokens, K conditions, E width.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from tlesynth.diffusion.conditions import Conditions

FREQUENCIES = 256
"""Length of the timestep's sine-cosine code."""
SHORTEST_MM, LONGEST_MM = 24.0, 1000.0
"""Wavelengths of the position code: from two latent voxels of the 3 mm grid to several times the head."""
QUANTITY_WAVES = 16
QUANTITY_LONGEST, QUANTITY_SHORTEST = 4.0, 0.125
"""Wavelengths of a quantity's code over its range of 1: from a quarter of a wave, which is monotone, to eight."""
SPREAD = 0.02
"""Standard deviation of embeddings and of the layers that make them, at the start."""


def positions(tokens: tuple[int, ...], patch_mm: tuple[float, ...], width: int) -> Tensor:
    """Sine-cosine code (N, width) of the token centres, in mm from the middle of the box; E / 3 an axis."""
    waves = torch.logspace(math.log10(SHORTEST_MM), math.log10(LONGEST_MM), width // 6, dtype=torch.float64)
    centres = [
        (torch.arange(n, dtype=torch.float64) - (n - 1) / 2) * mm for n, mm in zip(tokens, patch_mm, strict=True)
    ]
    axes = torch.meshgrid(*centres, indexing="ij")
    return torch.cat([waves_of(axis.reshape(-1), waves) for axis in axes], dim=1).float()


def waves_of(values: Tensor, wavelengths: Tensor) -> Tensor:
    """Sines, then cosines (B, 2 F) of ``values`` (B,) at F ``wavelengths``."""
    angles = 2 * math.pi * values[:, None] / wavelengths
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


class TimeEmbedding(nn.Module):
    """Times (B,) in [0, 1000] -> (B, E): a sine-cosine code, wavelengths 2 pi to 2 pi * 10,000, and two layers."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(FREQUENCIES, width), nn.SiLU(), nn.Linear(width, width))
        _start_small(self.layers)

    def forward(self, times: Tensor) -> Tensor:
        """The code of each time, in the precision of the weights; its angles in float32 at least."""
        dtype, half = _dtype(self.layers), FREQUENCIES // 2
        exact = torch.promote_types(dtype, torch.float32)
        waves = 2 * math.pi * 10_000 ** (torch.arange(half, device=times.device, dtype=exact) / half)
        return self.layers(waves_of(times.to(exact), waves).to(dtype))


class ConditionEmbedding(nn.Module):
    """Conditions (B, K) -> (B, K, E): a row of a table for a category, a small network for a quantity.

    Each condition has a learned vector for null (NaN), which is looked up or put in its place: no NaN is computed with.
    """

    def __init__(self, conditions: Conditions, width: int) -> None:
        super().__init__()
        self.each = nn.ModuleList(
            QuantityEmbedding(width) if item.quantity else CategoryEmbedding(len(item.values), width)
            for item in conditions.items
        )

    def forward(self, conditions: Tensor) -> Tensor:
        """A vector for each condition, in the precision of the weights."""
        columns = conditions.unbind(dim=1)
        return torch.stack([embed(column) for embed, column in zip(self.each, columns, strict=True)], dim=1)


class CategoryEmbedding(nn.Module):
    """Indices (B,) of ``count`` values, or NaN -> (B, E)."""

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.null = count
        self.table = nn.Embedding(count + 1, width)
        nn.init.normal_(self.table.weight, std=SPREAD)

    def forward(self, values: Tensor) -> Tensor:
        """The row of each value; the last row for null."""
        return self.table(torch.where(values.isnan(), self.null, values).long())


class QuantityEmbedding(nn.Module):
    """Numbers (B,) in [0, 1], or NaN -> (B, E)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2 * QUANTITY_WAVES, width), nn.SiLU(), nn.Linear(width, width))
        self.null = nn.Parameter(torch.empty(width))
        _start_small(self.layers)
        nn.init.normal_(self.null, std=SPREAD)

    def forward(self, values: Tensor) -> Tensor:
        """The network of the number's sine-cosine code; the vector of null where there is no number."""
        untold, dtype = values.isnan(), _dtype(self.layers)
        numbers = torch.where(untold, 0.0, values).to(torch.promote_types(dtype, torch.float32))
        ends = math.log10(QUANTITY_LONGEST), math.log10(QUANTITY_SHORTEST)
        waves = torch.logspace(*ends, QUANTITY_WAVES, device=values.device, dtype=numbers.dtype)
        made = self.layers(waves_of(numbers, waves).to(dtype))  # (B, E)
        return torch.where(untold[:, None], self.null.to(made.dtype), made)


def _start_small(layers: nn.Sequential) -> None:
    for layer in layers:
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=SPREAD)
            nn.init.zeros_(layer.bias)


def _dtype(layers: nn.Sequential) -> torch.dtype:
    return next(layers.parameters()).dtype
