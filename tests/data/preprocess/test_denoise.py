"""Noise goes, edges and the empty background stay, and twice is the same."""

from collections.abc import Callable

import numpy as np

from tlesynth.data.preprocess.denoise import denoised
from tlesynth.volume import Volume


def test_noise_is_taken_out_of_a_flat_ball_and_twice_gives_the_same_bytes() -> None:
    x, y, z = np.indices((32, 32, 32)) - 15.5
    ball = x**2 + y**2 + z**2 < 13**2
    clean = np.where(ball, np.where(x > 0, 900.0, 500.0), 0)
    noise = np.random.default_rng(0).normal(0, 40, clean.shape)
    scan = Volume(np.where(ball, clean + noise, 0).astype(np.float32), np.eye(4))
    result = denoised(scan)
    inner = x**2 + y**2 + z**2 < 10**2
    assert np.std((result.voxels - clean)[inner]) < 0.6 * 40
    assert (result.voxels[~ball] == 0).all()
    assert result.voxels.tobytes() == denoised(scan).voxels.tobytes()


def test_the_scan_itself_is_left_alone(brain: Callable[..., Volume]) -> None:
    scan = brain(np.eye(4), spacing=6.0, shape=(36, 40, 36))
    before = scan.voxels.copy()
    assert denoised(scan).voxels.shape == before.shape
    assert np.array_equal(scan.voxels, before)
