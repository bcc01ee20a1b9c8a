"""The layers of MONAI's ``AutoencoderKL`` without attention, under MONAI's names and with its initial weights.

Written out because importing MONAI loads all of it, seconds for every process, and because its blocks are what this
package changes: how they double, normalise and are passed through. A checkpoint of MONAI's fits as it is.

B batch, C latent channels, X Y Z voxels of the grid (right, anterior, superior), x y z = X/4 Y/4 Z/4.
"""

from __future__ import annotations

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from tlesynth.autoencoder.coders.steady_norm import SteadyGroupNorm
from tlesynth.autoencoder.coders.upsampling import FoldedUpsample, LinearUpsample
from tlesynth.recipe import AutoencoderNetwork

EPS = 1e-6
"""Of every normalisation."""


class KlNetwork(nn.Module):
    """Encoder, decoder and the three convolutions of one voxel between them; how they are passed is the coder's."""

    def __init__(self, settings: AutoencoderNetwork) -> None:
        super().__init__()
        self.encoder, self.decoder = Half(encoder_blocks(settings)), Half(decoder_blocks(settings))
        latent = settings.latent_channels
        self.quant_conv_mu = convolution(latent, latent, 1)
        self.quant_conv_log_sigma = convolution(latent, latent, 1)
        self.post_quant_conv = convolution(latent, latent, 1)


class Half(nn.Module):
    """Blocks that a volume passes one after the other."""

    def __init__(self, blocks: list[nn.Module]) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)


class Convolution(nn.Sequential):
    """One convolution of (B, C, X, Y, Z), by the name of ``conv``."""

    def __init__(self, conv: nn.Conv3d) -> None:
        super().__init__()
        self.conv = conv


class Residual(nn.Module):
    """(B, C, X, Y, Z) -> (B, C', X, Y, Z): twice normalised, bent and convolved, added to what came in."""

    def __init__(self, inputs: int, outputs: int, groups: int) -> None:
        super().__init__()
        self.norm1 = SteadyGroupNorm(groups, inputs, EPS)
        self.conv1 = convolution(inputs, outputs, 3)
        self.norm2 = SteadyGroupNorm(groups, outputs, EPS)
        self.conv2 = convolution(outputs, outputs, 3)
        self.nin_shortcut = nn.Identity() if inputs == outputs else convolution(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The sum."""
        hidden = self.conv1(F.silu(self.norm1(x)))  # (B, C', X, Y, Z)
        hidden = self.conv2(F.silu(self.norm2(hidden)))  # (B, C', X, Y, Z)
        return self.nin_shortcut(x) + hidden


class Halving(nn.Module):
    """(B, C, 2x, 2y, 2z) -> (B, C, x, y, z): a convolution of stride 2, padded at the far end of each axis alone."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = convolution(width, width, 3, stride=2, padding=0)

    def forward(self, x: Tensor) -> Tensor:
        """Half the sides."""
        return self.conv(F.pad(x, (0, 1) * 3))


def encoder_blocks(settings: AutoencoderNetwork) -> list[nn.Module]:
    """From a volume (B, 1, X, Y, Z) to (B, C, x, y, z): every level but the last is halved after its blocks."""
    widths, groups = settings.channels, settings.norm_groups
    blocks: list[nn.Module] = [convolution(1, widths[0], 3)]
    for place, (before, width) in enumerate(pairwise((widths[0], *widths))):
        blocks += _level(before, width, settings)
        if place < len(widths) - 1:
            blocks.append(Halving(width))
    last = convolution(widths[-1], settings.latent_channels, 3)
    return [*blocks, SteadyGroupNorm(groups, widths[-1], EPS), last]


def decoder_blocks(settings: AutoencoderNetwork) -> list[nn.Module]:
    """From a latent (B, C, x, y, z) to (B, 1, X, Y, Z): every level but the last is doubled after its blocks."""
    widths, groups = settings.channels[::-1], settings.norm_groups
    doubling = FoldedUpsample if settings.upsampling == "nearest" else LinearUpsample
    blocks: list[nn.Module] = [convolution(settings.latent_channels, widths[0], 3)]
    for place, (before, width) in enumerate(pairwise((widths[0], *widths))):
        blocks += _level(before, width, settings)
        if place < len(widths) - 1:
            blocks.append(doubling(convolution(width, width, 3)))
    return [*blocks, SteadyGroupNorm(groups, widths[-1], EPS), convolution(widths[-1], 1, 3)]


def _level(before: int, width: int, settings: AutoencoderNetwork) -> list[nn.Module]:
    inputs = (before, *[width] * (settings.residual_blocks - 1))
    return [Residual(i, width, settings.norm_groups) for i in inputs]


def convolution(inputs: int, outputs: int, side: int, *, stride: int = 1, padding: int | None = None) -> Convolution:
    """A convolution of ``side`` voxels that keeps the sides of a volume, unless it has a stride or another padding."""
    around = side // 2 if padding is None else padding
    return Convolution(nn.Conv3d(inputs, outputs, side, stride=stride, padding=around))
