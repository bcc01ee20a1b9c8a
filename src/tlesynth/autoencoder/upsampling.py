"""Doubling the resolution before a 3x3x3 convolution, exactly as MONAI's two networks do it, for fewer operations.

``AutoencoderKL`` doubles by nearest neighbour. Two of the three taps on each axis then read the same voxel, so their
weights add, and each of the eight parities of the output is a 2x2x2 convolution of the small grid: 3.4 times fewer
multiplications, the same function up to rounding. The kernels are folded from the weights at every call (under 1 % of
its time), so that they cannot go stale. ``AutoencoderKlMaisi`` doubles linearly; there is no such rewrite for it.

Weights keep the names of MONAI's ``AutoencoderKL``. Every operation has a deterministic backward pass on CUDA.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import torch
import torch.nn.functional as F
from monai.networks.blocks.convolutions import Convolution
from monai.networks.blocks.upsample import Upsample
from torch import Tensor, nn

PARITIES = tuple(product((0, 1), repeat=3))


class ParityUpsample(nn.Module):
    """(B, C, x, y, z) -> (B, C', 2x, 2y, 2z): doubled by nearest neighbour, then convolved by ``postconv``."""

    def __init__(self, postconv: Convolution) -> None:
        super().__init__()
        self.postconv = postconv

    def forward(self, x: Tensor) -> Tensor:
        """Both at once, a parity at a time."""
        conv = _convolution(self.postconv)
        kernels = parity_kernels(conv.weight)
        padded, sides = F.pad(x, (1,) * 6), x.shape[2:]
        parts = []
        for p, q, r in PARITIES:
            seen = padded[:, :, p : p + sides[0] + 1, q : q + sides[1] + 1, r : r + sides[2] + 1]
            parts.append(F.conv3d(seen, kernels[p, q, r], conv.bias))
        return interleave(parts)


class LinearUpsample(nn.Module):
    """(B, C, x, y, z) -> (B, C', 2x, 2y, 2z): doubled trilinearly (MAISI), then convolved by ``postconv``."""

    def __init__(self, postconv: Convolution) -> None:
        super().__init__()
        self.postconv = postconv

    def forward(self, x: Tensor) -> Tensor:
        """One after the other."""
        return self.postconv(doubled_linearly(x))


def parity_kernels(weight: Tensor) -> Tensor:
    """A convolution's weight (C', C, 3, 3, 3) on the doubled grid as (2, 2, 2, C', C, 2, 2, 2): one for each parity.

    On an axis, output 2m reads voxels (m-1, m) by [w0, w1 + w2], output 2m + 1 reads (m, m+1) by [w0 + w1, w2].
    """
    for axis in (-3, -2, -1):
        w0, w1, w2 = weight.unbind(axis)
        even, odd = torch.stack([w0, w1 + w2], axis), torch.stack([w0 + w1, w2], axis)
        weight = torch.stack([even, odd])
    return weight.permute(2, 1, 0, 3, 4, 5, 6, 7)  # parities came in as z, y, x


def interleave(parts: list[Tensor]) -> Tensor:
    """Eight (B, C, x, y, z), in the order of ``PARITIES``, as the voxels of one (B, C, 2x, 2y, 2z)."""
    return _Interleaved.apply(*parts)


def doubled_linearly(x: Tensor) -> Tensor:
    """``F.interpolate(x, scale_factor=2, mode="trilinear")`` of (B, C, x, y, z), an axis at a time.

    PyTorch's own has no deterministic backward pass on CUDA.
    """
    for axis in (2, 3, 4):
        n = x.shape[axis]
        before = torch.cat([x.narrow(axis, 0, 1), x.narrow(axis, 0, n - 1)], axis)
        after = torch.cat([x.narrow(axis, 1, n - 1), x.narrow(axis, n - 1, 1)], axis)
        pairs = torch.stack([torch.lerp(x, before, 0.25), torch.lerp(x, after, 0.25)], axis + 1)
        x = pairs.flatten(axis, axis + 1)
    return x


def replace_upsampling(blocks: nn.ModuleList, kind: type[ParityUpsample] | type[LinearUpsample]) -> None:
    """Make MONAI's Upsample blocks (doubling, then a convolution) in ``blocks`` blocks of ``kind``."""
    for place, block in enumerate(blocks):
        if isinstance(block, Upsample):
            postconv = block.get_submodule("postconv")
            assert isinstance(postconv, Convolution)
            blocks[place] = kind(postconv)


class _Interleaved(torch.autograd.Function):
    """Written into place: stacking and permuting moves every voxel once more, forwards or backwards."""

    @staticmethod
    def forward(ctx: Any, *parts: Tensor) -> Tensor:
        first = parts[0]
        batch, channels, *sides = first.shape
        last = first.is_contiguous(memory_format=torch.channels_last_3d)
        layout = torch.channels_last_3d if last else torch.contiguous_format
        whole = torch.empty(
            batch, channels, *(2 * n for n in sides), dtype=first.dtype, device=first.device, memory_format=layout
        )
        for (p, q, r), part in zip(PARITIES, parts, strict=True):
            whole[:, :, p::2, q::2, r::2] = part
        return whole

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, ...]:
        (gradient,) = gradients
        return tuple(gradient[:, :, p::2, q::2, r::2] for p, q, r in PARITIES)


def _convolution(block: Convolution) -> nn.Conv3d:
    conv = block.get_submodule("conv")
    assert isinstance(conv, nn.Conv3d)
    return conv
