"""The straight line: noise at its end, and a velocity that does not change along it."""

import torch

from tlesynth.diffusion.process import RectifiedFlow

CLEAN, NOISE = torch.randn(2, 3, 2, 4, 5, 4, generator=torch.Generator().manual_seed(0))


def test_the_line_runs_from_the_clean_latent_to_the_noise() -> None:
    noisy = RectifiedFlow().noisy(CLEAN, NOISE, torch.tensor([0.0, 500.0, 1000.0]))
    assert torch.equal(noisy[0], CLEAN[0])
    assert torch.allclose(noisy[1], (CLEAN[1] + NOISE[1]) / 2)
    assert torch.equal(noisy[2], NOISE[2])


def test_the_target_is_the_lines_slope_at_any_time() -> None:
    flow, times = RectifiedFlow(500), torch.tensor([1.0, 250.0, 499.0])
    slope = (flow.noisy(CLEAN, NOISE, times + 1) - flow.noisy(CLEAN, NOISE, times - 1)) * 250
    assert torch.allclose(flow.target(CLEAN, NOISE, times), slope, atol=1e-3)


def test_the_way_is_even() -> None:
    assert RectifiedFlow().way(4) == (1000, 750, 500, 250, 0)
    assert RectifiedFlow(10).way(3) == (10, 20 / 3, 10 / 3, 0)
