"""The forward process, the training target and the loss (paper, equations 6 and 7)."""

from __future__ import annotations

import torch
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from torch import Tensor

from tlesynth.recipe import Noise

MOST_VARIANCES = 1_000_000
"""Posterior variances that the floor under the loss is averaged over, evenly spread."""


def schedule_of(noise: Noise) -> DDPMScheduler:
    """The noise schedule, with its fixed small variance; latents are never clipped.

    ``trailing`` spacing makes a short sampler start at the last timestep (Lin et al., arXiv 2305.08891).
    """
    return DDPMScheduler(
        num_train_timesteps=noise.timesteps,
        beta_schedule=noise.schedule,
        beta_start=noise.beta_start,
        beta_end=noise.beta_end,
        prediction_type=noise.prediction,
        variance_type="fixed_small",
        clip_sample=False,
        timestep_spacing="trailing",
    )


def add_noise(schedule: DDPMScheduler, clean: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
    """Noisy latents z_t = sqrt(alpha_bar) z_0 + sqrt(1 - alpha_bar) eps, all (B, C, X, Y, Z), at ``timesteps`` (B,)."""
    return schedule.add_noise(clean, noise, timesteps)  # ty: ignore[invalid-argument-type]


def target_of(schedule: DDPMScheduler, clean: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
    """What the network must predict: the noise, or v = sqrt(alpha_bar) eps - sqrt(1 - alpha_bar) z_0."""
    if schedule.config["prediction_type"] == "v_prediction":
        return schedule.get_velocity(clean, noise, timesteps)  # ty: ignore[invalid-argument-type]
    return noise


def squared_error(predicted: Tensor, target: Tensor) -> Tensor:
    """Mean squared error (B,) of each sample of (B, C, X, Y, Z); equation 7 is its mean."""
    return torch.mean((predicted.float() - target.float()) ** 2, dim=tuple(range(1, target.ndim)))


def posterior_floor(schedule: DDPMScheduler, variance: Tensor) -> float:
    """The least loss any network can reach on latents resampled from posteriors of ``variance`` (any shape).

    Even a network that knew the posterior's mean could not tell the posterior's noise from the added one. With
    z_0 = m + s n and ab = alpha_bar_t, the variance of eps given z_t and m is ab s^2 / (ab s^2 + 1 - ab), and that of
    v is s^2 / (ab s^2 + 1 - ab); the floor is the mean over timesteps and voxels.
    """
    some = variance.flatten()[:: max(1, variance.numel() // MOST_VARIANCES)].double()
    levels = some.quantile(torch.linspace(0.005, 0.995, 100, dtype=torch.float64))  # (100,)
    ab = schedule.alphas_cumprod.double()[:, None]  # (T, 1)
    least = levels / (ab * levels + 1 - ab)
    return float((least if schedule.config["prediction_type"] == "v_prediction" else ab * least).mean())
