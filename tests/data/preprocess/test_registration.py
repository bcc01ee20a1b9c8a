"""A known affine is found again, also from wrong poses; what is no brain is refused."""

from collections.abc import Callable

import numpy as np
import pytest

from tlesynth.data.preprocess.registration import register_affine, resample, template_correlation, template_dice
from tlesynth.data.template import load_template
from tlesynth.errors import TlesynthError
from tlesynth.volume import GRIDS, Volume

GRID = GRIDS["mni-3mm"]


def apart(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Distance in mm between two poses over the brain."""
    brain = np.argwhere(load_template(GRID).mask > 0)[::101]
    points = np.c_[brain, np.ones(len(brain))] @ GRID.affine.T
    return np.linalg.norm((points @ (found - true).T)[:, :3], axis=1)


def test_a_known_affine_is_recovered_and_repeated(brain: Callable[..., Volume], to_native: np.ndarray) -> None:
    scan = brain(to_native)
    found = register_affine(scan, scan.voxels > 0, 4.0)
    assert apart(found, to_native).max() < 1.5
    assert np.array_equal(found, register_affine(scan, scan.voxels > 0, 4.0))
    placed = resample(scan.voxels, scan.affine, found, GRID)
    mask = resample((scan.voxels > 0).astype(np.float32), scan.affine, found, GRID) >= 0.5
    assert template_dice(mask, GRID) > 0.97
    assert template_correlation(placed, GRID) > 0.95


@pytest.mark.parametrize(("degrees", "axis"), [(180, 0), (90, 2), (45, 1)])
def test_a_turned_brain_is_found(
    brain: Callable[..., Volume], rotation: Callable[..., np.ndarray], degrees: float, axis: int
) -> None:
    scan = brain(np.eye(4))
    turn = rotation(degrees, axis)
    found = register_affine(Volume(scan.voxels, turn @ scan.affine), scan.voxels > 0, 5.0)
    assert apart(found, turn).max() < 1.5


def test_what_is_no_brain_is_refused() -> None:
    voxels = np.zeros((50, 50, 50), np.float32)
    voxels[10:16, 4:46, 22:25] = np.random.default_rng(0).random((6, 42, 3)) + 1
    with pytest.raises(TlesynthError) as caught:
        register_affine(Volume(voxels, np.diag([3.0, 3, 3, 1])), voxels > 0, 6.0)
    assert caught.value.code == "REG-001"
