"""What a scanner does to intensities: a smooth bias field multiplies them, noise is added. Background stays exactly 0.

The field is exp(s f), f a sum of the cosines of up to one whole wave along each side (the basis that bias correction
fits, Ashburner and Friston 2005), scaled so that the greatest |f| is 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from tlesynth.recipe import Augmentation

WAVES = 3
"""Cosines along each side, of 0, 1 and 2 half waves; 0 along all of them would be brightness, which is ``gain``'s."""
SEEDS = 2**62


@torch.no_grad()
def degraded(x: Tensor, settings: Augmentation, draws: torch.Generator) -> Tensor:
    """Volumes or crops (B, 1, X, Y, Z) on [0, 1], seen through a bias field and with noise, clipped to [0, 1].

    Nothing is drawn for what is switched off. Noise is drawn where ``x`` lies, from a seed that ``draws`` gives: a
    processor and a GPU draw other noise.
    """
    brain = x > 0
    if settings.bias_field:
        u = torch.rand(len(x), 1 + WAVES**3, generator=draws)  # (B, 28)
        strength = u[:, 0] * math.log1p(settings.bias_field)
        waves = (2 * u[:, 1:] - 1).view(-1, WAVES, WAVES, WAVES)
        x = (x * bias_fields(waves.to(x.device), strength.to(x.device), x.shape[2:]).to(x.dtype)).clamp(0, 1)
    if settings.noise:
        spread = settings.noise * torch.rand(len(x), generator=draws)  # (B,)
        seed = int(torch.randint(SEEDS, (1,), generator=draws))
        own = torch.Generator(x.device).manual_seed(seed)
        noise = torch.randn(x.shape, generator=own, device=x.device, dtype=x.dtype)
        x = torch.where(brain, x + noise * spread.to(x).view(-1, 1, 1, 1, 1), x).clamp(0, 1)
    return x


def bias_fields(waves: Tensor, strength: Tensor, shape: Sequence[int]) -> Tensor:
    """Fields (B, 1, X, Y, Z), positive and within exp(-strength) to exp(strength).

    ``waves`` (B, W, W, W) weighs the products of W cosines along each side, the constant left out; ``strength`` (B,).
    """
    weights = waves.clone()
    weights[:, 0, 0, 0] = 0
    along_x, along_y, along_z = (_cosines(side, waves) for side in shape)  # (W, X), (W, Y), (W, Z)
    with torch.autocast(waves.device.type, enabled=False):  # in bfloat16 the field would have steps
        f = torch.einsum("bijk,ix,jy,kz->bxyz", weights, along_x, along_y, along_z)
    f = f / f.abs().amax((1, 2, 3), keepdim=True).clamp_min(1e-6)
    return torch.exp(strength.view(-1, 1, 1, 1) * f).unsqueeze(1)


def _cosines(side: int, like: Tensor) -> Tensor:
    """0, 1, ... half waves over ``side`` voxels, each measured at its middle: (W, side)."""
    place = (torch.arange(side, device=like.device) + 0.5) / side
    return torch.cos(math.pi * torch.outer(torch.arange(like.shape[-1], device=like.device), place)).to(like.dtype)
