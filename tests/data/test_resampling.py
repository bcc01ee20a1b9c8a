"""Resampling keeps straight lines, does not alias, and works on grids that do not depend on storage order."""

import numpy as np
import pytest

from tlesynth.data.resampling import WORK, on_work, resample, sample, working
from tlesynth.volume import GRIDS

GRID = GRIDS["mni-3mm"]


def test_resampling_keeps_a_plane_and_does_not_alias() -> None:
    affine = np.diag([1.0, 1, 1, 1])
    affine[:3, 3] = (-90, -125, -80)
    x, y, z = np.indices((181, 217, 181))
    plane = 3.0 + 0.5 * (x - 90) - 0.25 * (y - 125) + 0.1 * (z - 80)
    placed = resample(plane, affine, np.eye(4), GRID)
    world = GRID.world()
    expected = 3.0 + 0.5 * world[0] - 0.25 * world[1] + 0.1 * world[2]
    inner = np.s_[6:-6, 6:-12, 6:-6]
    assert np.abs(placed - expected)[inner].max() < 0.02
    stripes = np.where(x % 2 == 0, 1.0, -1.0)
    assert np.abs(resample(stripes, affine, np.eye(4), GRID)[inner]).max() < 0.05


def test_a_working_grid_keeps_values_and_centre() -> None:
    voxels = np.zeros((30, 34, 28), np.float32)
    voxels[8:20, 10:22, 9:21] = 5
    affine = np.array([[2.0, 0, 0, -31], [0, 2, 0, 7.3], [0, 0, 2, -12], [0, 0, 0, 1]])
    box = working(voxels, affine, 4.0, within=voxels > 0)
    centre = affine[:3, :3] @ np.array([13.5, 15.5, 14.5]) + affine[:3, 3]
    assert np.allclose(box.centre_of_mass(), centre, atol=0.2)
    assert np.allclose(box.origin % 4, 0)
    assert np.isclose(sample(box.voxels, box.affine, centre[:, None])[0], 5, atol=0.05)
    assert np.isclose(box.voxels.sum() * 64, voxels.sum() * 8, rtol=0.02)
    mirrored = affine.copy()
    mirrored[:3, 0] *= -1
    mirrored[0, 3] += 2.0 * 29
    assert np.allclose(working(voxels[::-1], mirrored, 4.0, within=voxels[::-1] > 0).voxels, box.voxels, atol=1e-4)


def test_a_finer_grid_is_averaged() -> None:
    fine = np.random.default_rng(0).random(GRIDS["mni-1.5mm"].shape, np.float32)
    coarse = on_work(fine, GRIDS["mni-1.5mm"])
    assert coarse.shape == WORK.shape and coarse[3, 4, 5] == pytest.approx(fine[6:8, 8:10, 10:12].mean())
    assert on_work(coarse, WORK) is coarse
