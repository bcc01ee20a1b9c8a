"""Sampling latents: DDPM with the fixed small variance, or DDIM, under classifier-free guidance.

Each subject owns one generator, so that it is the same subject whatever batch it is drawn in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from torch import Tensor

from tlesynth.errors import fail

Denoiser = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Prediction (B, C, X, Y, Z) from noisy latents (B, C, X, Y, Z), timesteps (B,) and labels (B,)."""


@dataclass(frozen=True)
class Plan:
    """How to sample: the trained schedule, the sampler's steps, guidance, and which moments to keep.

    ``guidance`` is the classifier-free scale w of eps_null + w (eps_class - eps_null); 1 takes one forward pass a step.
    ``frames`` moments of the way from pure noise to the finished latent are kept, both ends among them; 0 keeps none.
    """

    schedule: DDPMScheduler
    null_class: int
    sampler: str = "ddpm"
    steps: int = 1000
    guidance: float = 1.0
    frames: int = 0


@dataclass(frozen=True)
class Sampled:
    """Finished ``latents`` (B, C, X, Y, Z), and the latents at kept timesteps (from T down to 0)."""

    latents: Tensor
    film: dict[int, Tensor] = field(default_factory=dict)


@torch.no_grad()
def sample_latents(
    denoise: Denoiser, labels: Tensor, shape: tuple[int, ...], generators: Sequence[torch.Generator], plan: Plan
) -> Sampled:
    """Draw one latent of ``shape`` (C, X, Y, Z) for each of ``labels`` (B,) with its own generator.

    Raises:
        TlesynthError: CFG-003 if the steps do not divide the schedule's timesteps.
    """
    scheduler = scheduler_of(plan)
    timesteps = [int(t) for t in scheduler.timesteps]
    arrivals = [t + 1 for t in timesteps] + [0]  # z at timestep index t has seen t + 1 noising steps
    kept = _evenly(len(arrivals), plan.frames)
    # Drawn one by one: a single draw of the whole batch would tie a subject to its neighbours.
    z = torch.stack([torch.randn(shape, generator=g) for g in generators]).to(labels.device)
    film = {arrivals[0]: z} if 0 in kept else {}
    for i, t in enumerate(timesteps):
        predicted = guided(denoise, z, torch.full_like(labels, t), labels, plan)
        z = _step(scheduler, predicted, t, z, generators)
        if i + 1 in kept:
            film[arrivals[i + 1]] = z
    return Sampled(z, film)


def guided(denoise: Denoiser, z: Tensor, timesteps: Tensor, labels: Tensor, plan: Plan) -> Tensor:
    """Classifier-free guidance on every channel (Ho and Salimans, arXiv 2207.12598); (B, C, X, Y, Z)."""
    if plan.guidance == 1:
        return denoise(z, timesteps, labels)
    null = torch.full_like(labels, plan.null_class)
    both = denoise(torch.cat([z, z]), timesteps.repeat(2), torch.cat([labels, null]))
    conditional, unconditional = both.chunk(2)
    return unconditional + plan.guidance * (conditional - unconditional)


def scheduler_of(plan: Plan) -> DDPMScheduler | DDIMScheduler:
    """The diffusers scheduler that walks ``plan.steps`` of the trained schedule.

    Raises:
        TlesynthError: CFG-003 if the steps do not divide the schedule's timesteps: DDIM would then land between them.
    """
    total = int(plan.schedule.config["num_train_timesteps"])
    if total % plan.steps:
        nearest = min((d for d in range(1, total + 1) if total % d == 0), key=lambda d: (abs(d - plan.steps), d))
        raise fail("CFG-003", "sample.steps", f"{plan.steps} does not divide the {total} timesteps; take {nearest}")
    family = {"ddpm": DDPMScheduler, "ddim": DDIMScheduler}[plan.sampler]
    scheduler = cast(DDPMScheduler | DDIMScheduler, family.from_config(plan.schedule.config))
    scheduler.set_timesteps(plan.steps)
    return scheduler


def _step(
    scheduler: DDPMScheduler | DDIMScheduler,
    predicted: Tensor,
    t: int,
    z: Tensor,
    generators: Sequence[torch.Generator],
) -> Tensor:
    """One step backwards, in float32."""
    # diffusers takes a list of generators, one a sample, though its annotation names a single one.
    return scheduler.step(predicted.float(), t, z, generator=list(generators), return_dict=False)[0]  # ty: ignore[invalid-argument-type]


def _evenly(moments: int, frames: int) -> set[int]:
    """Indices of ``frames`` moments out of ``moments``, both ends among them."""
    if frames < 2:
        return set()
    return {round(i * (moments - 1) / (frames - 1)) for i in range(frames)}
