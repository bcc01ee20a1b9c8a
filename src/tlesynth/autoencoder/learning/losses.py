"""The terms of the VAE-GAN's objective (paper, equations 1 to 5), each a pure function of tensors.

Volumes are (B, 1, X, Y, Z) on [0, 1]; every term is a scalar, in float32 whatever precision the networks run in.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache

import torch
from torch import Tensor, nn

SSIM_WINDOW = 7
SSIM_SIGMA = 1.5
SSIM_C1, SSIM_C2 = 0.01**2, 0.03**2


def l1(x: Tensor, x_hat: Tensor) -> Tensor:
    """Mean absolute difference (equation 3, averaged over voxels)."""
    return (x.float() - x_hat.float()).abs().mean()


def kl(mean: Tensor, logvar: Tensor) -> Tensor:
    """KL divergence of N(mean, exp(logvar)) from N(0, 1), equation 1: sum over (C, x, y, z), mean over B.

    The sum is what a weight of 1e-6 is made for; of a mean over elements it would leave nothing.
    """
    mean, logvar = mean.float(), logvar.float()
    return 0.5 * (mean.square() + logvar.exp() - 1 - logvar).flatten(1).sum(1).mean()


def ssim3d(x: Tensor, x_hat: Tensor) -> Tensor:
    """1 - SSIM with a Gaussian window of 7 voxels (sigma 1.5) and data range 1: 0 where the volumes agree, at most 2.

    The windows lie wholly inside the volume. Source: Wang et al. 2004, equation 13, in three dimensions.
    """
    x, x_hat = x.float(), x_hat.float()
    moments = torch.cat([x, x_hat, x * x, x_hat * x_hat, x * x_hat], dim=1)  # (B, 5, X, Y, Z)
    # Variances are small differences of moments: bfloat16 would leave only rounding.
    with torch.autocast(x.device.type, enabled=False):
        mu_x, mu_y, xx, yy, xy = _windowed(moments).unbind(1)  # each (B, X-6, Y-6, Z-6)
    luminance = (2 * mu_x * mu_y + SSIM_C1) / (mu_x.square() + mu_y.square() + SSIM_C1)
    variances = xx - mu_x.square() + yy - mu_y.square()
    structure = (2 * (xy - mu_x * mu_y) + SSIM_C2) / (variances + SSIM_C2)
    return 1 - (luminance * structure).mean()


def draw_slices(x: Tensor, share: float, generators: Sequence[torch.Generator]) -> list[list[Tensor]]:
    """Which planes a step compares, by axis and volume: ``share`` of those not empty in the volume, at least one.

    Each volume has a generator of its own, so that it does not matter with which others it goes through the networks.
    """
    planes = []
    for axis in (2, 3, 4):
        others = [a for a in range(1, 5) if a != axis]
        filled = (x.amax(dim=others) > 0).cpu()  # (B, planes)
        planes.append(
            [_drawn(own.nonzero().flatten(), share, g).to(x.device) for own, g in zip(filled, generators, strict=True)]
        )
    return planes


def lpips_on_slices(network: nn.Module, x: Tensor, x_hat: Tensor, planes: Sequence[Sequence[Tensor]]) -> Tensor:
    """LPIPS (equation 4 with learned heads) of ``planes``, by axis and volume: mean over a volume's slices, over the
    volumes, then over the axes.

    ``network(a, b)`` takes images (N, 3, H, W) on [-1, 1]; grey slices are repeated to three channels. An axis
    without a filled plane contributes 0.
    """
    distances = []
    for axis, chosen in zip((2, 3, 4), planes, strict=True):
        counts = [len(own) for own in chosen]
        if not any(counts):
            distances.append(x_hat.sum() * 0)
            continue
        real, rebuilt = (_images(volume, axis, chosen) for volume in (x, x_hat))
        with torch.autocast(x.device.type, enabled=False):
            each = network(real, rebuilt).flatten().split(counts)
        distances.append(torch.stack([own.mean() if len(own) else own.sum() for own in each]).mean())
    return torch.stack(distances).mean()


def objective(terms: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """Equation 5: the sum of the ``terms``, each times its weight."""
    return torch.stack([weights[name] * value for name, value in terms.items()]).sum()


def _drawn(filled: Tensor, share: float, generator: torch.Generator) -> Tensor:
    wanted = max(1, round(share * len(filled)))
    return filled[torch.randperm(len(filled), generator=generator)[:wanted]].sort().values


def _images(x: Tensor, axis: int, chosen: Sequence[Tensor]) -> Tensor:
    """The ``chosen`` planes of each volume of ``x`` (B, 1, X, Y, Z) along ``axis``: (N, 3, H, W) on [-1, 1]."""
    slices = [volume.index_select(axis - 1, own).movedim(axis - 1, 0) for volume, own in zip(x, chosen, strict=True)]
    return (2 * torch.cat(slices).float() - 1).expand(-1, 3, -1, -1)


def _windowed(maps: Tensor) -> Tensor:
    """Gaussian-weighted mean of (B, K, X, Y, Z) around each voxel whose window lies inside: (B, K, X-6, Y-6, Z-6).

    A banded matrix per axis: on a CPU 14 times faster than a convolution with one channel.
    """
    for axis in (2, 3, 4):
        inside = maps.shape[axis] - SSIM_WINDOW + 1
        band = maps.new_zeros(inside, maps.shape[axis])
        for offset, weight in enumerate(_window()):
            band.diagonal(offset)[:inside] = weight
        maps = torch.tensordot(maps, band, dims=([axis], [1])).movedim(-1, axis)
    return maps


@cache
def _window() -> tuple[float, ...]:
    """Gaussian weights of one axis, summing to 1."""
    weights = [math.exp(-((i - SSIM_WINDOW // 2) ** 2) / (2 * SSIM_SIGMA**2)) for i in range(SSIM_WINDOW)]
    return tuple(weight / sum(weights) for weight in weights)
