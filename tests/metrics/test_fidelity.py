"""Errors of a reconstruction whose error is known."""

import numpy as np
import pytest

from tlesynth.metrics.fidelity import fidelity, hippocampal_region, psnr

from ..evaluation.conftest import GRID, head


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


def test_what_holds_no_voxel_is_not_measured_and_never_perfect() -> None:
    empty = np.zeros(GRID.shape, np.float32)
    found = fidelity(empty, head(0).volume, GRID)
    assert np.isnan([found.l1_brain, found.l1_hippocampus, found.psnr_brain_db]).all()
    assert found.l1 > 0 and np.isfinite(found.psnr_db)
    outside = np.where(hippocampal_region(GRID), 0, head(0).volume).astype(np.float32)
    found = fidelity(outside, outside, GRID)
    assert np.isnan(found.l1_hippocampus) and found.l1_brain == 0


def test_psnr_is_ten_decibels_per_power_of_ten() -> None:
    assert [psnr(e) for e in (1.0, 0.1, 0.01)] == pytest.approx([0, 10, 20])
