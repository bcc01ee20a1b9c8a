"""Data N(MEAN, SPREAD^2), voxel by voxel: the exact network, and what each sampler must make of it.

The exact prediction is linear in z, so a deterministic sampler is a line from noise to latent. ``expected`` walks slope
and offset from the papers' formulas, in plain numbers: every voxel that is sampled must lie on that line.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from tlesynth.diffusion.process import Process, process_of
from tlesynth.diffusion.sampling import Denoiser
from tlesynth.recipe import Noise

MEAN, SPREAD = 1.5, 0.5
T = 1000
ALPHA_BARS = np.cumprod(1 - np.linspace(1e-4, 2e-2, T))
KINDS = ["epsilon", "v_prediction", "flow"]

Line = np.ndarray
"""Slope and offset, from the noise that sampling starts with, of a value on the way."""


def process(kind: str, draw: str = "uniform") -> Process:
    if kind == "flow":
        return process_of(Noise.model_validate({"process": "flow", "draw": draw}))
    return process_of(Noise.model_validate({"prediction": kind, "draw": draw}))


def level(kind: str, time: float) -> tuple[float, float]:
    """Scales of signal and noise."""
    if kind == "flow":
        return 1 - time / T, time / T
    ab = ALPHA_BARS[int(time)] if time >= 0 else 1.0
    return float(np.sqrt(ab)), float(np.sqrt(1 - ab))


def oracle(kind: str, shift: float = 0.0, mean: float = MEAN, spread: float = SPREAD) -> Denoiser:
    """The exact prediction, its time read ``shift`` off; condition 1 has the opposite mean, null the plain one."""

    def predict(z: Tensor, times: Tensor, conditions: Tensor) -> Tensor:
        latest = T - 1 if kind != "flow" else T
        levels = torch.tensor([level(kind, min(max(t + shift, 0), latest)) for t in times.tolist()])
        a, b = levels.reshape(-1, 2, 1, 1, 1, 1).unbind(1)
        centre = torch.where(conditions[:, 0] == 1, -mean, mean).reshape(-1, 1, 1, 1, 1)
        unit = (z - a * centre) / (a**2 * spread**2 + b**2)
        clean, noise = centre + a * spread**2 * unit, b * unit
        return {"epsilon": noise, "v_prediction": a * noise - b * clean, "flow": noise - clean}[kind]

    return predict


def generators(n: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(100 + i) for i in range(n)]


def told(*values: float) -> Tensor:
    """Conditions (B, 1)."""
    return torch.tensor(values, dtype=torch.float32).reshape(-1, 1)


def way(kind: str, sampler: str, steps: int) -> list[float]:
    """The times of a sampler's steps."""
    if sampler == "heun":
        return [*np.linspace(T, 1, steps), 0.0]
    even = [T * (steps - i) / steps for i in range(steps + 1)]
    return even if kind == "flow" else [round(t) - 1.0 for t in even]


def expected(kind: str, sampler: str, steps: int) -> tuple[Line, float]:
    """The line from noise to latent, and the standard deviation of what is drawn on the way (DDPM alone)."""
    line, variance, before = np.array([1.0, 0.0]), 0.0, None
    for start, end in pairwise(way(kind, sampler, steps)):
        here, there = level(kind, start), level(kind, end)
        if sampler == "ddpm":
            line, factor, added = _ddpm(line, here, there)
            variance = factor**2 * variance + added
        elif sampler == "dpm++":
            line, before = _dpm(line, here, there, before)
        else:
            line = {"ddim": _mixed, "euler": _mixed, "heun": _heun}[sampler](line, here, there)
    return line, float(np.sqrt(variance))


Level = tuple[float, float]


def _guess(z: Line, a: float, b: float) -> tuple[Line, Line]:
    """E[z_0 | z] and E[eps | z]."""
    d = a**2 * SPREAD**2 + b**2
    unit = (z - np.array([0, a * MEAN])) / d
    return np.array([0, MEAN]) + a * SPREAD**2 * unit, b * unit


def _mixed(z: Line, here: Level, there: Level) -> Line:
    clean, noise = _guess(z, *here)
    return there[0] * clean + there[1] * noise


def _heun(z: Line, here: Level, there: Level) -> Line:
    clean, noise = _guess(z, *here)
    dt = there[1] - here[1]
    ahead = z + dt * (noise - clean)
    if there[1] == 0:
        return ahead
    later_clean, later_noise = _guess(ahead, *there)
    return z + dt * (noise - clean + later_noise - later_clean) / 2


def _ddpm(z: Line, here: Level, there: Level) -> tuple[Line, float, float]:
    ab, ab_next = here[0] ** 2, there[0] ** 2
    beta = 1 - ab / ab_next
    mean: Callable[[Line], Line] = lambda z: (  # noqa: E731
        np.sqrt(ab_next) * beta / (1 - ab) * _guess(z, *here)[0] + np.sqrt(ab / ab_next) * (1 - ab_next) / (1 - ab) * z
    )
    factor = mean(np.array([1.0, 0.0]))[0]
    return mean(z), factor, (1 - ab_next) / (1 - ab) * beta


def _dpm(z: Line, here: Level, there: Level, before: tuple[Line, float] | None) -> tuple[Line, tuple[Line, float]]:
    with np.errstate(divide="ignore"):
        log_snr, log_snr_next = (np.log(a) - np.log(b) for a, b in (here, there))
    clean, h = _guess(z, *here)[0], log_snr_next - log_snr
    slope = clean
    if before is not None and there[1] > 0:
        slope = clean + h / (2 * (log_snr - before[1])) * (clean - before[0])
    return there[1] / here[1] * z - there[0] * np.expm1(-h) * slope, (clean, log_snr)
