"""Doubling the resolution before a 3x3x3 convolution, exactly as MONAI's two networks do it, for fewer operations.

``AutoencoderKL`` doubles by nearest neighbour. Two of the three taps on each axis then read the same voxel, so their
weights add, and both steps are one transposed convolution of stride 2: 3.4 times fewer multiplications, the same
function up to rounding. (Eight 2x2x2 convolutions, one for each parity of the output, are as few: in bfloat16 on a CPU
they took 8 to 15 % longer at widths of 64 to 256, in float32 as long.) The kernel is folded from the weights at every
call, 1 to 4 % of its time, so that it cannot go stale. ``AutoencoderKlMaisi`` doubles linearly; there is no such
rewrite for it.

Weights keep the names of MONAI's ``AutoencoderKL``. Every operation has a deterministic form on CUDA.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class FoldedUpsample(nn.Module):
    """(B, C, x, y, z) -> (B, C', 2x, 2y, 2z): doubled by nearest neighbour, then convolved by ``postconv.conv``."""

    def __init__(self, postconv: nn.Module) -> None:
        super().__init__()
        self.postconv = postconv

    def forward(self, x: Tensor) -> Tensor:
        """Both at once."""
        conv = self.postconv.get_submodule("conv")
        assert isinstance(conv, nn.Conv3d)
        return F.conv_transpose3d(x, folded_kernel(conv.weight), conv.bias, stride=2, padding=1)


class LinearUpsample(nn.Module):
    """(B, C, x, y, z) -> (B, C', 2x, 2y, 2z): doubled trilinearly (MAISI), then convolved by ``postconv``."""

    def __init__(self, postconv: nn.Module) -> None:
        super().__init__()
        self.postconv = postconv

    def forward(self, x: Tensor) -> Tensor:
        """One after the other."""
        return self.postconv(doubled_linearly(x))


def folded_kernel(weight: Tensor) -> Tensor:
    """A convolution's weight (C', C, 3, 3, 3) on the doubled grid as a transposed one's (C, C', 4, 4, 4).

    On an axis, output 2m reads voxels (m-1, m) by [w0, w1 + w2], output 2m + 1 reads (m, m+1) by [w0 + w1, w2]. A
    transposed convolution of stride 2 and padding 1 reaches these pairs by its taps (3, 1) and (2, 0).
    """
    fold = weight.new_tensor([[0, 0, 1], [0, 1, 1], [1, 1, 0], [1, 0, 0]])  # (tap of 4, tap of 3)
    return torch.einsum("oixyz,ax,by,cz->ioabc", weight, fold, fold, fold)


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
