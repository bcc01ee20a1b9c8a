"""The loss of the diffusion network (paper, equation 7), one number a sample."""

from __future__ import annotations

import torch
from torch import Tensor


def squared_error(predicted: Tensor, target: Tensor) -> Tensor:
    """Mean squared error (B,) of each sample of (B, C, X, Y, Z); equation 7 is its mean."""
    return torch.mean((predicted.float() - target.float()) ** 2, dim=tuple(range(1, target.ndim)))
