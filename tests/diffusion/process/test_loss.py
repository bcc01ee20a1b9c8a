"""The per-sample loss."""

import torch

from tlesynth.diffusion.process import squared_error


def test_the_error_is_per_sample_and_perfect_is_zero() -> None:
    clean, noise = torch.randn(3, 2, 4, 5, 4), torch.randn(3, 2, 4, 5, 4)
    assert squared_error(clean, clean).tolist() == [0, 0, 0]
    error = squared_error(clean, noise)
    assert error.shape == (3,)
    assert torch.allclose(error.mean(), torch.nn.functional.mse_loss(clean, noise))
    assert torch.allclose(error[1], torch.nn.functional.mse_loss(clean[1], noise[1]))
