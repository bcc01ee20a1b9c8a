"""LPIPS is given what it expects: padded slices of three equal channels on [-1, 1]."""

import numpy as np
import torch
from torch import nn

from tlesynth.evaluation.perceptual import lpips_distances

from .conftest import GRID, head


class MeanDifference(nn.Module):
    """Stands for LPIPS: half the mean absolute difference, as images on [-1, 1] are twice as wide."""

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        assert a.shape[1] == 3 and float(a.min()) == -1
        return (a - b).abs().mean(dim=(1, 2, 3), keepdim=True) / 2


def test_lpips_sees_padded_slices_on_minus_one_to_one() -> None:
    volume = np.clip(head(2).volume, 0, 0.9)
    assert lpips_distances(volume, volume, GRID, MeanDifference()) == {"sagittal": 0, "coronal": 0, "axial": 0}
    found = lpips_distances(volume, volume + 0.1 * (volume > 0), GRID, MeanDifference())
    assert all(0.02 < value < 0.1 for value in found.values())
