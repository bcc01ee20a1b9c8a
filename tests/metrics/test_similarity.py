"""SSIM and MS-SSIM: 1 for equal volumes, and equal to MONAI's, which is slower."""

import numpy as np
import pytest
import torch
from monai.metrics.regression import compute_ms_ssim, compute_ssim_and_cs

from tlesynth.metrics import similarity as s


def volumes(shape: tuple[int, ...] = (30, 34, 32)) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    base = np.clip(s.window_mean(rng.random(tuple(n + 6 for n in shape)).astype(np.float32), 7) * 2 - 0.5, 0, 1)
    return base, np.clip(base + rng.normal(0, 0.05, shape), 0, 1).astype(np.float32)


def test_a_volume_is_like_itself() -> None:
    a, _ = volumes()
    assert s.ssim(a, a) == pytest.approx(1, abs=1e-5)
    levels = s.pyramid(a, s.scales_that_fit(a.shape))
    assert s.ms_ssim(levels, levels) == pytest.approx(1, abs=1e-5)


def test_ssim_equals_monai() -> None:
    a, b = volumes()
    x, y = (torch.from_numpy(v)[None, None] for v in (a, b))
    theirs, _ = compute_ssim_and_cs(x, y, 3, kernel_size=(11,) * 3, kernel_sigma=(1.5,) * 3, data_range=1.0)
    assert s.ssim(a, b) == pytest.approx(float(theirs.mean()), abs=1e-4)
    assert s.ssim(a, b) == pytest.approx(s.ssim(b, a))


def test_ms_ssim_equals_monai() -> None:
    a, b = volumes()
    weights = np.array(s.SCALE_WEIGHTS[:2]) / sum(s.SCALE_WEIGHTS[:2])
    x, y = (torch.from_numpy(v)[None, None] for v in (a, b))
    theirs = compute_ms_ssim(x, y, 3, kernel_size=7, kernel_sigma=1.5, data_range=1.0, weights=tuple(weights))
    assert s.ms_ssim(s.pyramid(a, 2), s.pyramid(b, 2)) == pytest.approx(float(theirs), abs=1e-4)


def test_noise_lowers_similarity_in_order() -> None:
    a, _ = volumes()
    rng = np.random.default_rng(1)
    found = [s.ssim(a, np.clip(a + rng.normal(0, sd, a.shape), 0, 1)) for sd in (0.01, 0.05, 0.2)]
    assert found == sorted(found, reverse=True)


def test_small_grids_take_fewer_scales() -> None:
    assert s.scales_that_fit((112, 136, 112)) == 5
    assert s.scales_that_fit((56, 68, 56)) == 4
    assert s.scales_that_fit((46, 57, 47)) == 3
    assert s.scales_that_fit((6, 50, 50)) == 0


def test_equal_weights_change_nothing_and_the_mask_decides() -> None:
    a, b = volumes()
    pyramids = s.pyramid(a, 2), s.pyramid(b, 2)
    whole = s.inside(np.ones(a.shape, bool), 2)
    assert s.ms_ssim(*pyramids, whole) == pytest.approx(s.ms_ssim(*pyramids), abs=1e-5)
    half = np.zeros(a.shape, bool)
    half[:8] = True
    mixed = np.where(np.arange(a.shape[0])[:, None, None] < 16, a, b)
    assert s.ms_ssim(pyramids[0], s.pyramid(mixed, 2), s.inside(half, 2)) == pytest.approx(1, abs=1e-3)
