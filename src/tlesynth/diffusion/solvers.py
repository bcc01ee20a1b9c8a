"""The samplers' steps: from a noisier latent to a cleaner one, until it is clean.

DDIM, Euler and Heun are functions of two times, so that ``inversion`` can walk them the other way. DDPM and
DPM-Solver++ are diffusers' schedulers: these draw noise or remember earlier steps, so each call has its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
from torch import Tensor

from tlesynth.diffusion.process import Process, RectifiedFlow, VariancePreserving
from tlesynth.errors import fail

Predict = Callable[[Tensor, float], Tensor]
"""Guided prediction (B, C, X, Y, Z) float32 for latents (B, C, X, Y, Z) that all are at one time."""


class Solver(Protocol):
    """Steps from pure noise to clean."""

    @property
    def times(self) -> tuple[float, ...]:
        """Where its steps begin and end: one more than there are steps."""
        ...

    def step(self, i: int, z: Tensor, predict: Predict) -> Tensor:
        """Latents (B, C, X, Y, Z) at ``times[i + 1]`` from those at ``times[i]``."""
        ...


Step = Callable[[Process, Predict, Tensor, float, float], Tensor]
"""From z (B, C, X, Y, Z) at one time to another."""


@dataclass(frozen=True)
class OneStep:
    """A deterministic solver that remembers nothing: ``between`` takes it from any time to any other."""

    process: Process
    times: tuple[float, ...]
    between: Step

    def step(self, i: int, z: Tensor, predict: Predict) -> Tensor:
        """Latents at ``times[i + 1]`` from those at ``times[i]``."""
        return self.between(self.process, predict, z, self.times[i], self.times[i + 1])


@dataclass(frozen=True)
class Scheduled:
    """A diffusers scheduler, set to ``times``, with one generator a sample."""

    times: tuple[float, ...]
    scheduler: Any
    generators: list[torch.Generator]

    def step(self, i: int, z: Tensor, predict: Predict) -> Tensor:
        """Latents at ``times[i + 1]`` from those at ``times[i]``, which must be the scheduler's next step."""
        predicted, time = predict(z, self.times[i]), int(self.times[i])
        return self.scheduler.step(predicted, time, z, generator=self.generators, return_dict=False)[0]


def ddim(process: Process, predict: Predict, z: Tensor, start: float, end: float) -> Tensor:
    """z_0 and eps as predicted at ``start``, mixed anew for ``end`` (Song et al., arXiv 2010.02502, eq. 12, eta 0).

    diffusers' own takes T // steps from each time, which misses the next one unless the steps divide T.
    """
    predicted, now = predict(z, start), _alone(start, z)
    a, b = process.scales(_alone(end, z))
    return a * process.clean_of(z, predicted, now) + b * process.noise_of(z, predicted, now)


def euler(process: Process, predict: Predict, z: Tensor, start: float, end: float) -> Tensor:
    """Along dz/dt as predicted at ``start``."""
    return z + _dt(process, z, start, end) * predict(z, start)


def heun(process: Process, predict: Predict, z: Tensor, start: float, end: float) -> Tensor:
    """Along the mean of dz/dt at both ends (Karras et al., arXiv 2206.00364, algorithm 1): second order.

    Two predictions; where it ends clean, Euler's one: at t = 0 itself a network is not trained.
    """
    dt, slope = _dt(process, z, start, end), predict(z, start)
    there = z + dt * slope
    if end == process.clean_time:
        return there
    return z + dt * 0.5 * (slope + predict(there, end))


def solver_of(process: Process, sampler: str, steps: int, generators: Sequence[torch.Generator] = ()) -> Solver:
    """The solver of a process by the recipe's name for it, fresh; DDPM draws from ``generators``, one a sample.

    Raises:
        TlesynthError: CFG-002 for a sampler of another process, or more steps than a diffusion has.
    """
    builders = FLOW if isinstance(process, RectifiedFlow) else DIFFUSION
    if sampler not in builders:
        kind = "flow" if isinstance(process, RectifiedFlow) else "diffusion"
        raise fail("CFG-002", "sample.sampler", f"{sampler} does not sample a {kind}; {', '.join(builders)} do")
    if isinstance(process, VariancePreserving) and steps > process.timesteps:
        raise fail("CFG-002", "sample.steps", f"{steps} steps, but the diffusion has {process.timesteps}")
    return builders[sampler](process, steps, list(generators))


def _ddpm(process: VariancePreserving, steps: int, generators: list[torch.Generator]) -> Solver:
    """Ancestral sampling with the trained schedule's variance (Ho et al., arXiv 2006.11239)."""
    scheduler: Any = DDPMScheduler.from_config(process.schedule.config)
    times = process.way(steps)
    scheduler.set_timesteps(timesteps=[int(t) for t in times[:-1]])
    return Scheduled(times, scheduler, generators)


def _dpm(process: VariancePreserving, steps: int, generators: list[torch.Generator]) -> Solver:
    """DPM-Solver++ 2M (Lu et al., arXiv 2211.01095) on a diffusion."""
    config, times = process.schedule.config, process.way(steps)
    scheduler = DPMSolverMultistepScheduler(
        num_train_timesteps=process.timesteps,
        beta_schedule=config["beta_schedule"],
        beta_start=config["beta_start"],
        beta_end=config["beta_end"],
        prediction_type=process.prediction,
    )
    scheduler.set_timesteps(timesteps=[int(t) for t in times[:-1]])
    return Scheduled(times, scheduler, generators)


def _flow_dpm(process: RectifiedFlow, steps: int, generators: list[torch.Generator]) -> Solver:
    """DPM-Solver++ 2M on a flow, whose levels a and b it takes as they are."""
    times = process.way(steps)
    scheduler = DPMSolverMultistepScheduler(
        num_train_timesteps=process.timesteps, prediction_type="flow_prediction", use_flow_sigmas=True
    )
    scheduler.set_timesteps(steps)
    # diffusers rounds the times it shows down to whole numbers and starts at (T - 1) / T: our own are exact.
    scheduler.sigmas = torch.tensor(times) / process.timesteps
    scheduler.set_begin_index(0)
    return Scheduled(times, scheduler, generators)


def _ddim(process: VariancePreserving, steps: int, generators: list[torch.Generator]) -> Solver:
    return OneStep(process, process.way(steps), ddim)


def _euler(process: RectifiedFlow, steps: int, generators: list[torch.Generator]) -> Solver:
    return OneStep(process, process.way(steps), euler)


def _heun(process: RectifiedFlow, steps: int, generators: list[torch.Generator]) -> Solver:
    """Even steps down to t = 1 / T and, by Euler, from there to 0: the times that diffusers' Heun takes.

    With even steps down to 0, Euler's would be as long as the others, and 10 of them shrink a spread of 0.2 by a
    tenth; like this it comes out within 3 %.
    """
    total, even = process.timesteps, max(steps - 1, 1)
    return OneStep(process, (*(total - (total - 1) * i / even for i in range(steps)), process.clean_time), heun)


Builder = Callable[[Any, int, list[torch.Generator]], Solver]
DIFFUSION: dict[str, Builder] = {"ddpm": _ddpm, "ddim": _ddim, "dpm++": _dpm}
FLOW: dict[str, Builder] = {"euler": _euler, "heun": _heun, "dpm++": _flow_dpm}


def _alone(time: float, z: Tensor) -> Tensor:
    return torch.tensor([time], device=z.device)


def _dt(process: Process, z: Tensor, start: float, end: float) -> Tensor:
    """The step in t of a flow, (1, 1, 1, 1, 1): t is its noise's scale."""
    return process.scales(_alone(end, z))[1] - process.scales(_alone(start, z))[1]
