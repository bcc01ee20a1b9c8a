"""Errors of a reconstruction whose error is known."""

import numpy as np
import pytest
import torch
from torch import nn

from tlesynth.evaluation.fidelity import fidelity, lpips_distance, psnr

from .conftest import GRID, head


def test_a_perfect_copy_has_no_error() -> None:
    volume = head(0).volume
    found = fidelity(volume, volume, GRID)
    assert (found.l1, found.l1_brain, found.l1_hippocampus) == (0, 0, 0)
    assert found.psnr_db == 100 and found.ssim == pytest.approx(1, abs=1e-5)


def test_a_constant_error_inside_the_brain() -> None:
    volume = head(1).volume
    brain = volume > 0
    found = fidelity(volume, volume + 0.1 * brain, GRID)
    assert found.l1_brain == pytest.approx(0.1, rel=1e-4)
    assert found.l1_hippocampus == pytest.approx(0.1, rel=1e-4)
    assert found.l1 == pytest.approx(0.1 * brain.mean(), rel=1e-4)
    assert found.psnr_brain_db == pytest.approx(20, abs=0.01)
    assert found.psnr_db > found.psnr_brain_db
    assert found.ssim < 1


def test_psnr_is_ten_decibels_per_power_of_ten() -> None:
    assert [psnr(e) for e in (1.0, 0.1, 0.01)] == pytest.approx([0, 10, 20])


class MeanDifference(nn.Module):
    """Stands for LPIPS: half the mean absolute difference, as images on [-1, 1] are twice as wide."""

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        assert a.shape[1] == 3 and float(a.min()) == -1
        return (a - b).abs().mean(dim=(1, 2, 3), keepdim=True) / 2


def test_lpips_sees_padded_slices_on_minus_one_to_one() -> None:
    volume = np.clip(head(2).volume, 0, 0.9)
    assert lpips_distance(volume, volume, GRID, MeanDifference()) == 0
    found = lpips_distance(volume, volume + 0.1 * (volume > 0), GRID, MeanDifference())
    assert 0.02 < found < 0.1
