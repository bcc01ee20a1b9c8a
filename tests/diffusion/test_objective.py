"""The forward process against its closed form, both targets, and the per-sample loss."""

import pytest
import torch

from tlesynth.diffusion.objective import add_noise, posterior_floor, schedule_of, squared_error, target_of
from tlesynth.recipe import Noise

SHAPE = (3, 2, 4, 5, 4)


@pytest.fixture
def draws() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    clean, noise = (torch.randn(SHAPE, generator=generator), torch.randn(SHAPE, generator=generator))
    return clean, noise, torch.tensor([0, 500, 999])


def test_the_papers_linear_schedule() -> None:
    schedule = schedule_of(Noise())
    betas = torch.linspace(1e-4, 2e-2, 1000, dtype=torch.float64)
    assert torch.allclose(schedule.alphas_cumprod.double(), torch.cumprod(1 - betas, 0), rtol=1e-4)
    assert schedule.alphas_cumprod[-1] < 5e-5
    assert schedule.config["clip_sample"] is False
    assert schedule.config["variance_type"] == "fixed_small"


def test_noisy_latents_follow_the_closed_form(draws: tuple[torch.Tensor, torch.Tensor, torch.Tensor]) -> None:
    clean, noise, timesteps = draws
    schedule = schedule_of(Noise())
    noisy = add_noise(schedule, clean, noise, timesteps)
    ab = schedule.alphas_cumprod[timesteps].reshape(3, 1, 1, 1, 1)
    assert torch.allclose(noisy, ab.sqrt() * clean + (1 - ab).sqrt() * noise, atol=1e-6)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_the_target_gives_back_the_clean_latent(
    prediction: str, draws: tuple[torch.Tensor, torch.Tensor, torch.Tensor]
) -> None:
    clean, noise, timesteps = draws
    schedule = schedule_of(Noise.model_validate({"prediction": prediction}))
    noisy, target = (add_noise(schedule, clean, noise, timesteps), target_of(schedule, clean, noise, timesteps))
    schedule.set_timesteps(1000)
    for i, t in enumerate(timesteps.tolist()):
        found = schedule.step(target[i : i + 1], t, noisy[i : i + 1], return_dict=False)[1]
        assert torch.allclose(found, clean[i : i + 1], atol=2e-3)


def test_the_error_is_per_sample_and_perfect_is_zero(draws: tuple[torch.Tensor, torch.Tensor, torch.Tensor]) -> None:
    clean, noise, _ = draws
    assert squared_error(clean, clean).tolist() == [0, 0, 0]
    error = squared_error(clean, noise)
    assert error.shape == (3,)
    assert torch.allclose(error.mean(), torch.nn.functional.mse_loss(clean, noise))


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_the_floor_of_resampled_latents_is_what_the_best_prediction_reaches(prediction: str) -> None:
    schedule, variance = schedule_of(Noise(prediction=prediction)), 0.3
    generator = torch.Generator().manual_seed(1)
    clean = variance**0.5 * torch.randn(200_000, 1, 1, 1, 1, generator=generator)  # the posterior's mean is known: 0
    noise = torch.randn(clean.shape, generator=generator)
    timesteps = torch.arange(len(clean)) % 1000
    target = target_of(schedule, clean, noise, timesteps)
    noisy = add_noise(schedule, clean, noise, timesteps)
    ab = schedule.alphas_cumprod[timesteps].reshape(noisy.shape)
    slope = torch.ones(()) if prediction == "epsilon" else ab.sqrt() * (1 - variance)
    covariance = (1 - ab).sqrt() * slope
    best = covariance / (ab * variance + 1 - ab) * noisy  # everything is Gaussian: the best guess is linear
    reached = squared_error(best, target).mean()
    assert posterior_floor(schedule, torch.full((2, 3), variance)) == pytest.approx(float(reached), rel=0.02)
    assert posterior_floor(schedule, torch.full((2, 3), 1e-9)) < 1e-4
