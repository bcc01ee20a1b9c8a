"""Blocks are found by their borders, on their axis alone; blur and noise are none, and anatomy cancels."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from tlesynth.metrics.blocks import BLOCK, block_edges

from ..evaluation.conftest import head


def averaged(volume: np.ndarray, axis: int) -> np.ndarray:
    """Means over blocks of 4 along one axis, repeated: what a decoder without overlap would make."""
    shape = [*volume.shape[:axis], volume.shape[axis] // BLOCK, BLOCK, *volume.shape[axis + 1 :]]
    return np.repeat(volume.reshape(shape).mean(axis=axis + 1), BLOCK, axis=axis)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_half_blocks_are_found_on_their_axis_alone(axis: int) -> None:
    volume = head(1).volume
    found = [block_edges(volume, 0.5 * volume + 0.5 * averaged(volume, axis), a) for a in range(3)]
    assert found[axis] > 3
    assert max(found[a] for a in range(3) if a != axis) < 1


@pytest.mark.parametrize("seed", [0, 1])
def test_a_copy_blur_and_noise_show_no_blocks(seed: int) -> None:
    volume = head(seed).volume
    inside = volume > 0
    smooth = gaussian_filter(volume, 0.8) * inside
    noise = 0.05 * gaussian_filter(np.random.default_rng(seed).standard_normal(volume.shape), 0.7) * inside
    for axis in range(3):
        assert block_edges(volume, volume, axis) == 0
        assert block_edges(volume, smooth, axis) < 1
        assert block_edges(volume, smooth + noise, axis) < 1


def test_the_ratio_is_that_of_the_steps() -> None:
    line = np.arange(16.0)
    stairs = np.where(line // 4 % 2, 1.0, -1.0) + np.where(line % 2, 0.5, -0.5)
    original = np.broadcast_to(np.where(line % 2, 1.0, -1.0)[:, None, None], (16, 4, 4))
    made = np.broadcast_to(stairs[:, None, None], (16, 4, 4))
    # Inside a block every step is 1; at the three borders it is +2 - 1, -2 - 1, +2 - 1: 11 / 3 in squared mean.
    assert block_edges(original, made, 0) == pytest.approx(10 * np.log10(11 / 3), abs=1e-4)


def test_an_empty_volume_has_no_blocks() -> None:
    assert block_edges(np.zeros((8, 8, 8)), np.zeros((8, 8, 8)), 0) == 0
