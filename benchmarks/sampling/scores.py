"""What all variants are measured by, whatever they predict: errors at given noise, a distance, and the disease.

Shapes: B batch, C channels, x y z latent voxels, K conditions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from ruler import Ruler
from torch import Tensor

from tlesynth.autoencoder.networks import Autoencoder
from tlesynth.data.hippocampus import hippocampi
from tlesynth.diffusion.conditions import Conditions
from tlesynth.diffusion.latents import Latents
from tlesynth.diffusion.process import Process, RectifiedFlow
from tlesynth.diffusion.scoring import energy_distance
from tlesynth.seeds import torch_generator
from tlesynth.synthesis.background import cleaned
from tlesynth.synthesis.baselines.pca import Fit, categories

LEVELS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Noise over signal, b / a of z = a z_0 + b eps: the same question to every process, each at its own time."""
SIDES = ("left", "right")

Guess = Callable[[Tensor, Tensor, Tensor], Tensor]
"""The clean latents (B, C, x, y, z) guessed from noisy ones, times (B,) and conditions (B, K)."""
Draw = Callable[[Sequence[dict[str, str]], str], Tensor]
"""Latents (B, C, x, y, z) of subjects under given conditions; the text keys their noise."""


@dataclass(frozen=True)
class Judge:
    """A ruler, a decoder, and how many are drawn."""

    ruler: Ruler
    autoencoder: Autoencoder
    held_out: Tensor
    """Latents (N, C, x, y, z) as they are, not mirrored."""
    asked: list[dict[str, str]]
    """Conditions of training, as many as are drawn for the distance."""
    a_side: int
    """Patients drawn of each side."""

    def scores(self, draw: Draw) -> dict[str, Any]:
        """The Frechet distance of drawn latents, and the effect size of the side in drawn volumes."""
        latents = draw(self.asked, "distance")
        finite = bool(torch.isfinite(latents).all())
        found: dict[str, Any] = self.distances(latents) if finite else {"frechet": None, "energy": None}
        asymmetries = {}
        for side in SIDES:
            patients = [{"group": "tle", "side": side}] * self.a_side
            asymmetries[side] = self.asymmetries(draw(patients, f"effect {side}"))
        return found | {"effect": effect(asymmetries)}

    def distances(self, latents: Tensor) -> dict[str, float]:
        """Both distances of ``latents`` (B, C, x, y, z) to the held-out ones."""
        energy = energy_distance(latents, self.held_out)
        return {"frechet": _short(self.ruler.distance(latents)), "energy": _short(energy)}

    def asymmetries(self, latents: Tensor) -> list[float]:
        """Hippocampal asymmetries of decoded latents, those left out that cannot be measured."""
        volumes = (self.autoencoder.from_latents(one[None])[0, 0].float().cpu().numpy() for one in latents)
        return measured((cleaned(np.nan_to_num(volume)).voxels for volume in volumes), self.autoencoder)


def held_out_errors(guess: Guess, process: Process, data: Latents, seed: int) -> dict[str, Any]:
    """Squared errors of the guessed clean latent and of the velocity at each of ``LEVELS``, and their means.

    The velocity is v = cos eps - sin z_0 with tan = b / a. As z is known, an error e of z_0 is one of -e a / b of eps,
    and one of -e sqrt(1 + (a / b)^2) of v. Where the noise has a texture, a level drowns another share of a latent than
    white noise does: such errors compare with each other alone.
    """
    times = torch.tensor([time_at(process, level) for level in LEVELS])
    a, b = process.scales(times)
    clean_errors = []
    for row, name in enumerate(data.ids):
        clean = data.values[row].float().cpu().expand(len(LEVELS), *data.values.shape[1:])
        white = torch.randn(clean.shape, generator=torch_generator(seed, "benchmark", "levels", name))
        where = data.values.device
        noise, told = process.noise(white.to(where)).cpu(), data.conditions[row].expand(len(LEVELS), -1)
        z = (a * clean + b * noise).to(where)
        with torch.no_grad():
            guessed = guess(z, times.to(where), told).cpu()
        clean_errors.append((guessed - clean).square().mean((1, 2, 3, 4)))
    clean_mse = torch.stack(clean_errors).mean(0)
    velocity_mse = clean_mse * (1 + (a / b).flatten().square())
    return {
        "clean_mse": _short(clean_mse.mean()),
        "velocity_mse": _short(velocity_mse.mean()),
        "levels": {
            f"{level:g}": {"clean_mse": _short(x), "velocity_mse": _short(v)}
            for level, x, v in zip(LEVELS, clean_mse, velocity_mse, strict=True)
        },
    }


def time_at(process: Process, level: float) -> float:
    """The time at which noise over signal is ``level``: exactly for a flow, the nearest step of a diffusion."""
    if isinstance(process, RectifiedFlow):
        return process.timesteps * level / (1 + level)
    times = torch.arange(process.timesteps, dtype=torch.float32)
    a, b = process.scales(times)
    return float(times[((b / a).flatten().log() - np.log(level)).abs().argmin()])


def gaussian_guess(process: Process, conditions: Conditions, fit: Fit) -> Guess:
    """The exact guess of z_0 where latents are N(mean of the class, C^T C) with components C (K, C, x, y, z).

    Where several classes have what is told, about the mean of the first.
    """
    components = fit.components
    rows = components.flatten(1).double()
    products = rows @ rows.T

    def guess(z: Tensor, times: Tensor, told: Tensor) -> Tensor:
        a, b = process.scales(times)
        made = []
        for one, a_, b_, asked in zip(z, a.flatten(), b.flatten(), categories(conditions, told), strict=True):
            fits = ((fit.classes == asked) | asked.isnan()).all(1)  # (M,)
            mean = fit.means[int(fits.int().argmax())].double()
            surprise = rows @ (one.double() - a_ * mean).flatten()  # (K,)
            inner = a_**2 * products + b_**2 * torch.eye(len(rows), dtype=torch.float64)
            weights = a_ * torch.linalg.solve(inner, surprise)
            made.append((mean + torch.tensordot(weights, components.double(), 1)).float())
        return torch.stack(made)

    return guess


def measured(volumes: Any, autoencoder: Autoencoder) -> list[float]:
    """Hippocampal asymmetries (percent) of volumes (x, y, z), those left out that cannot be measured."""
    found = (hippocampi(volume, autoencoder.grid) for volume in volumes)
    return [one.asymmetry for one in found if one is not None]


def effect(asymmetries: dict[str, list[float]]) -> dict[str, Any]:
    """Cohen's d of the asymmetry, left TLE against right, with the half width of its 95 % interval."""
    left, right = (np.asarray(asymmetries[side], np.float64) for side in SIDES)
    entry: dict[str, Any] = {"n": [len(left), len(right)], "d": None}
    if min(len(left), len(right)) < 3:
        return entry
    n, m = len(left), len(right)
    pooled = np.sqrt(((n - 1) * left.var(ddof=1) + (m - 1) * right.var(ddof=1)) / (n + m - 2))
    entry |= {"means": [_short(left.mean()), _short(right.mean())], "sd": _short(pooled)}
    if pooled == 0:
        return entry
    d = float(left.mean() - right.mean()) / float(pooled)
    half = 1.96 * float(np.sqrt((n + m) / (n * m) + d**2 / (2 * (n + m))))
    return entry | {"d": _short(d), "half_width": _short(half)}


def effect_error(found: dict[str, Any], real: dict[str, Any] | None) -> float | None:
    """How far a drawn effect lies from the real one; none where either was not measured."""
    if real is None or real["d"] is None or found["d"] is None:
        return None
    return _short(found["d"] - real["d"])


def _short(value: Any) -> float:
    return float(f"{float(value):.5g}")
