"""Sampling latents under classifier-free guidance.

Each subject owns one generator, and on the CPU the network sees one subject at a time: it is the same subject, to the
bit, whatever batch it is drawn in. A batch would gain nothing there, and its matrix products round differently with
its size. A GPU takes the batch whole.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from tlesynth.diffusion.process import Process
from tlesynth.diffusion.solvers import Predict, solver_of

Denoiser = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Prediction (B, C, X, Y, Z) from noisy latents (B, C, X, Y, Z), times (B,) and conditions (B, K); NaN is null."""


@dataclass(frozen=True)
class Plan:
    """How to sample: the trained process, the sampler's steps, guidance, and which moments to keep.

    ``steps`` are those of the sampler; each takes one evaluation of the network, Heun's two but for the last.
    ``guidance`` is the classifier-free scale w of eps_null + w (eps_told - eps_null): 1 takes one pass, and so does 0,
    which is unconditional. Outside of ``guidance_interval``, in noise time from clean (0) to pure noise (1), sampling
    is plainly conditional. ``frames`` moments of the way are kept, both ends among them; 0 keeps none.
    """

    process: Process
    sampler: str = "ddpm"
    steps: int = 1000
    guidance: float = 1.0
    guidance_interval: tuple[float, float] = (0.0, 1.0)
    frames: int = 0

    @property
    def passes(self) -> int:
        """Passes of the network that a subject takes: two an evaluation where guidance acts."""
        times = solver_of(self.process, self.sampler, self.steps).times[:-1]
        asked = times + times[1:] if self.sampler == "heun" else times
        return sum(2 if self.scale_at(time) not in (0, 1) else 1 for time in asked)

    def scale_at(self, time: float) -> float:
        """The guidance scale at a time: 1 outside of the interval."""
        low, high = self.guidance_interval
        return self.guidance if low <= self.process.noise_time(time) <= high else 1.0

    def without_guidance(self) -> Plan:
        """The same, plainly conditional."""
        return replace(self, guidance=1.0)


@dataclass(frozen=True)
class Sampled:
    """Finished ``latents`` (B, C, X, Y, Z), and the latents at kept timesteps (from T down to 0)."""

    latents: Tensor
    film: dict[int, Tensor] = field(default_factory=dict)


def sample_latents(
    denoise: Denoiser, conditions: Tensor, shape: tuple[int, ...], generators: Sequence[torch.Generator], plan: Plan
) -> Sampled:
    """Draw one latent of ``shape`` (C, X, Y, Z) for each row of ``conditions`` (B, K) with its own generator.

    Raises:
        TlesynthError: CFG-002 if the sampler does not fit the process, or its steps do not.
    """
    # Drawn one by one: a single draw of the whole batch would tie a subject to its neighbours.
    white = [torch.randn(1, *shape, generator=g).to(conditions.device) for g in generators]
    noise = torch.cat([plan.process.noise(one) for one in white])
    return sample_from(denoise, noise, conditions, plan, generators)


@torch.no_grad()
def sample_from(
    denoise: Denoiser,
    noise: Tensor,
    conditions: Tensor,
    plan: Plan,
    generators: Sequence[torch.Generator] = (),
    against: Tensor | None = None,
) -> Sampled:
    """The latents that grow from ``noise`` (B, C, X, Y, Z) under ``conditions`` (B, K).

    Only DDPM needs ``generators``: the others are functions of the noise. Guidance leads away from the null conditions,
    or from those ``against`` which a scan is compared (B, K).

    Raises:
        TlesynthError: CFG-002 if the sampler does not fit the process, or its steps do not.
    """
    solver = solver_of(plan.process, plan.sampler, plan.steps, generators)
    predict, z = predictor(denoise, conditions, plan, against), noise
    shown = [round(plan.process.timesteps * plan.process.noise_time(time)) for time in solver.times]
    kept = _evenly(len(shown), plan.frames)
    film = {shown[0]: z} if 0 in kept else {}
    for i in range(len(solver.times) - 1):
        z = solver.step(i, z, predict)
        if i + 1 in kept:
            film[shown[i + 1]] = z
    return Sampled(z, film)


def predictor(denoise: Denoiser, conditions: Tensor, plan: Plan, against: Tensor | None = None) -> Predict:
    """The guided prediction under ``conditions`` (B, K), as a function of the latents and their time alone."""
    base = torch.full_like(conditions, math.nan) if against is None else against
    return lambda z, time: guided(denoise, z, time, (conditions, base), plan)


def guided(denoise: Denoiser, z: Tensor, time: float, conditions: tuple[Tensor, Tensor], plan: Plan) -> Tensor:
    """Classifier-free guidance on every channel (Ho and Salimans, arXiv 2207.12598); (B, C, X, Y, Z) float32.

    Towards the first of ``conditions`` (B, K) from the second, within an interval of noise times only (Kynkaanniemi et
    al., arXiv 2404.07724).
    """
    scale = plan.scale_at(time)
    if scale == 1:
        return _evaluated(denoise, z, time, conditions[0])
    if scale == 0:
        return _evaluated(denoise, z, time, conditions[1])
    both = _evaluated(denoise, torch.cat([z, z]), time, torch.cat(conditions))
    told, base = both.chunk(2)
    return base + scale * (told - base)


def _evaluated(denoise: Denoiser, z: Tensor, time: float, conditions: Tensor) -> Tensor:
    """The network's prediction (B, C, X, Y, Z) float32 at one time for all."""
    times = torch.full((len(z),), time, device=z.device, dtype=torch.float32)
    if z.device.type != "cpu":
        return denoise(z, times, conditions).float()
    # Copies: where a slice lies in memory can decide how a matrix product is split, and so how it rounds.
    rows = zip(z.split(1), times.split(1), conditions.split(1), strict=True)
    return torch.cat([denoise(one.clone(), at, told) for one, at, told in rows]).float()


def _evenly(moments: int, frames: int) -> set[int]:
    """Indices of ``frames`` moments out of ``moments``, both ends among them."""
    if frames < 2:
        return set()
    return {round(i * (moments - 1) / (frames - 1)) for i in range(frames)}
