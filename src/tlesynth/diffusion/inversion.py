"""From a clean latent back to the noise that it grows from, for what-if questions: the same brain, other conditions.

A deterministic sampler is a map from noise to latent; here it is walked backwards, step by step. A step cannot be
undone in closed form, because the network was asked at its noisier end, which is what is looked for. The first guess
asks at the end that is known (DDIM inversion: Song et al., arXiv 2010.02502, section 5.4; the same for a flow). Each
refinement then takes the sampler's step from the guess and moves the guess by what it missed (a fixed point: Pan et
al., arXiv 2309.04907; Garibi et al., arXiv 2403.14602), so that sampling finds the latent again.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from tlesynth.diffusion.process import Process, RectifiedFlow, VariancePreserving
from tlesynth.diffusion.sampling import Denoiser, Plan, predictor
from tlesynth.diffusion.solvers import OneStep, solver_of
from tlesynth.errors import fail

REFINEMENTS = 3
INVERTIBLE: dict[type[Process], tuple[str, ...]] = {VariancePreserving: ("ddim",), RectifiedFlow: ("heun", "euler")}
"""Samplers that draw no noise and remember no earlier step, the best first."""


def invertible(process: Process, sampler: str) -> str:
    """``sampler`` if it can be walked backwards, else the best of the same process that can."""
    fit = INVERTIBLE[type(process)]
    return sampler if sampler in fit else fit[0]


@torch.no_grad()
def invert_latents(
    denoise: Denoiser, latents: Tensor, conditions: Tensor, plan: Plan, refinements: int = REFINEMENTS
) -> Tensor:
    """Noise (B, C, X, Y, Z) from which ``sample_from`` with the same arguments gives ``latents`` (B, C, X, Y, Z).

    ``conditions`` (B, K) are the latents' own, and the plan's guidance acts as it does in sampling: guidance far from 1
    is hard to undo. A step takes 1 + ``refinements`` times the evaluations that sampling takes.

    Raises:
        TlesynthError: CFG-002 for a sampler that cannot be inverted: it draws noise, or remembers earlier steps.
    """
    solver = solver_of(plan.process, plan.sampler, plan.steps)
    if not isinstance(solver, OneStep):
        fit = " or ".join(INVERTIBLE[type(plan.process)])
        raise fail("CFG-002", "sample.sampler", f"{plan.sampler} cannot be inverted; {fit} can")
    predict, z = predictor(denoise, conditions, plan), latents
    for cleaner, noisier in pairwise(reversed(solver.times)):
        gain = _gain(plan.process, z, noisier, cleaner)
        guess = z
        for _ in range(1 + refinements):
            guess = guess + gain * (z - solver.between(plan.process, predict, guess, noisier, cleaner))
        z = guess
    return z


def _gain(process: Process, z: Tensor, noisier: float, cleaner: float) -> Tensor:
    """How far the noisier end moves for a miss at the cleaner one, as long as the network predicts the same.

    The same eps for a diffusion, whose latents are scaled by a from step to step; the same dz/dt for a flow.
    """
    if not isinstance(process, VariancePreserving):
        return torch.ones(1, device=z.device)
    a, _ = process.scales(torch.tensor([noisier, cleaner], device=z.device))
    return a[0] / a[1]
