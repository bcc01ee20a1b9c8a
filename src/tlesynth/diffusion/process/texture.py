"""Noise that has the latents' own spread and texture.

White noise drowns a latent's fine detail long before its coarse shape, so that a network first has to learn what every
brain's neighbouring voxels have in common. Here the noise is Gaussian with the covariance D S D: D is the spread of
each latent voxel about its mean, S how standardised voxels hang together at a distance, channel by channel, the same
everywhere in the brain. Every frequency is then drowned at the same rate (Falck et al., arXiv 2505.11278: equal SNR),
and the noise alone, about the mean, already looks like a head.

S is a mean over all pairs of voxels at a distance, thousands in each scan, and over the scans: unlike a full
covariance, or its first principal components, it has no place for what one person's head looks like.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

AXES = (-3, -2, -1)
REACH_MM = 72.0
"""Standard deviation of the Gaussian by which what voxels share fades with their distance: far pairs are fewer."""
INSIDE = 0.02
"""Of the greatest variance: below it a voxel is background, whose standardised values are rounding."""
LEAST_POWER = 0.01
"""Floor of S's eigenvalues, whose mean is about 1: an estimate of few scans may have some below 0."""


class Texture(nn.Module):
    """Makes white noise into noise of the latents' spread and texture; white until it is ``measure``d.

    Args:
        latent_shape: (C, X, Y, Z).
        voxel_mm: size of a latent voxel along each axis.
    """

    spread: Tensor
    root: Tensor

    def __init__(self, latent_shape: tuple[int, ...], voxel_mm: tuple[float, ...]) -> None:
        super().__init__()
        self.voxel_mm = voxel_mm
        c, *sides = latent_shape
        self.register_buffer("spread", torch.ones(latent_shape))
        white = torch.eye(c).reshape(c, c, 1, 1, 1).expand(c, c, *sides[:-1], sides[-1] // 2 + 1)
        # Real and imaginary parts: model files hold no complex numbers.
        self.register_buffer("root", torch.view_as_real(white.to(torch.complex64)).clone())

    def forward(self, white: Tensor) -> Tensor:
        """Noise (B, C, X, Y, Z) of this spread and texture from ``white`` noise of the same shape: D S^(1/2) eps."""
        return self.spread * self.coloured(white)

    def coloured(self, white: Tensor) -> Tensor:
        """The same of unit spread: S^(1/2) eps."""
        with torch.autocast(white.device.type, enabled=False):
            waves = torch.fft.rfftn(white.float(), dim=AXES)
            mixed = torch.einsum("ijxyz,bjxyz->bixyz", torch.view_as_complex(self.root), waves)
            return torch.fft.irfftn(mixed, s=white.shape[-3:], dim=AXES)

    def measure(self, residuals: Iterable[Tensor], variance: Tensor) -> None:
        """Take spread and texture from the training latents less their means, ``residuals`` (C, X, Y, Z) one by one.

        ``variance`` (C, X, Y, Z) is that of the latents; what it has beyond the residuals' (the posterior's own noise)
        belongs to no neighbour.
        """
        spread = variance.sqrt()
        inside = variance.mean(0) > INSIDE * variance.mean(0).max()
        shared = _at_distances((one / spread * inside for one in residuals), inside)
        here = shared[..., 0, 0, 0].diagonal()
        here += (1 - here).clamp_min(0)
        folded = _folded(shared * _fading(shared.shape[-3:], self.voxel_mm), variance.shape[1:])
        self.root.copy_(torch.view_as_real(_root(folded)))
        self.spread.copy_(spread)


def _at_distances(standardised: Iterable[Tensor], inside: Tensor) -> Tensor:
    """Mean products (C, C, 2X, 2Y, 2Z) of standardised voxels by what lies between them, over pairs ``inside``.

    Padded with as much background: nothing is a neighbour across the box's edge.
    """
    padded = [2 * side for side in inside.shape]
    total, count = None, 0
    for one in standardised:
        waves = torch.fft.rfftn(one.double(), s=padded, dim=AXES)
        products = waves[:, None] * waves[None].conj()
        total, count = products if total is None else total + products, count + 1
    assert total is not None
    there = torch.fft.rfftn(inside.double(), s=padded)
    pairs = torch.fft.irfftn(there * there.conj(), s=padded)
    return torch.fft.irfftn(total / count, s=padded, dim=AXES) / pairs.clamp_min(1)


def _fading(padded: tuple[int, ...], voxel_mm: tuple[float, ...]) -> Tensor:
    """A Gaussian of the distance (2X, 2Y, 2Z), the box's corner being none."""
    square = torch.zeros(padded, dtype=torch.float64)
    for axis, (side, mm) in enumerate(zip(padded, voxel_mm, strict=True)):
        steps = torch.arange(side, dtype=torch.float64)
        along = mm * torch.minimum(steps, side - steps)
        square += along.square().reshape([-1 if i == axis else 1 for i in range(3)])
    return torch.exp(-0.5 * square / REACH_MM**2)


def _folded(shared: Tensor, sides: tuple[int, ...]) -> Tensor:
    """The distances (C, C, 2X, 2Y, 2Z) up to half a box, around a box that closes on itself: (C, C, X, Y, Z)."""
    for axis, side in zip(AXES, sides, strict=True):
        steps = torch.arange(side)
        shared = shared.index_select(axis, torch.where(steps <= side // 2, steps, steps + side))
    mirrored = shared.transpose(0, 1).flip(AXES).roll((1, 1, 1), AXES)  # what j shares with i, the other way
    return (shared + mirrored) / 2


def _root(shared: Tensor) -> Tensor:
    """Of each frequency the square root (C, C, X, Y, Z // 2 + 1) of its power, every voxel's variance being 1."""
    power = torch.fft.rfftn(shared, dim=AXES).permute(2, 3, 4, 0, 1)
    values, vectors = torch.linalg.eigh(power)
    values = values.clamp_min(LEAST_POWER)
    kept = (vectors * values[..., None, :]) @ vectors.mH
    variance = torch.fft.irfftn(kept.permute(3, 4, 0, 1, 2), s=shared.shape[-3:], dim=AXES)[..., 0, 0, 0].diagonal()
    root = (vectors * values.sqrt()[..., None, :]) @ vectors.mH / variance.sqrt()[:, None]
    return root.permute(3, 4, 0, 1, 2).to(torch.complex64)
