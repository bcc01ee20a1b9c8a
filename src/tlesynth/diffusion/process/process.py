"""A forward process z_t = a z_0 + b eps: what all of them share.

Times are floats (B,) as the network is told them: a step's index of a diffusion, T t of a flow. ``clean_time`` is the
time at which z is the clean latent.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
from torch import Generator, Tensor

from tlesynth.diffusion.process.predictions import PREDICTIONS
from tlesynth.diffusion.process.texture import Texture

MOST_VARIANCES = 1_000_000
"""Posterior variances that the floor under the loss is averaged over, evenly spread."""


class Process(ABC):
    """How latents are noised, and what the network predicts."""

    clean_time: ClassVar[float]

    @property
    def texture(self) -> Texture | None:
        """What the noise has of the latents; None: it is white."""
        return None

    @property
    @abstractmethod
    def timesteps(self) -> int:
        """T."""

    @property
    @abstractmethod
    def prediction(self) -> str:
        """What the network predicts: epsilon, v_prediction or flow."""

    @abstractmethod
    def scales(self, times: Tensor) -> tuple[Tensor, Tensor]:
        """The signal's a and the noise's b at ``times`` (B,), each (B, 1, 1, 1, 1) float32."""

    @abstractmethod
    def draw(self, n: int, generator: Generator) -> Tensor:
        """``n`` training times (n,) float32, on the CPU."""

    @abstractmethod
    def moments(self, n: int) -> Tensor:
        """``n`` evenly spread times (n,) float32, for validation."""

    @abstractmethod
    def way(self, steps: int) -> tuple[float, ...]:
        """``steps`` + 1 evenly spread times from pure noise down to ``clean_time``, both ends among them.

        The first is the last one trained (``trailing`` spacing; Lin et al., arXiv 2305.08891).
        """

    @abstractmethod
    def noise_time(self, time: float) -> float:
        """A network's time as a fraction: 0 is clean, 1 pure noise."""

    @abstractmethod
    def described(self) -> dict[str, Any]:
        """``scheduler_config.json`` as diffusers reads it; ``read_process`` is the inverse."""

    def noise(self, white: Tensor) -> Tensor:
        """The eps of this process from ``white`` noise, both (B, C, X, Y, Z)."""
        return white if self.texture is None else self.texture(white)

    @property
    def noise_variance(self) -> Tensor | float:
        """Of eps: 1, or that of each voxel (C, X, Y, Z)."""
        return 1.0 if self.texture is None else self.texture.spread.square()

    def noisy(self, clean: Tensor, noise: Tensor, times: Tensor) -> Tensor:
        """Noisy latents z_t = a z_0 + b eps, all (B, C, X, Y, Z), at ``times`` (B,)."""
        a, b = self.scales(times)
        return a * clean + b * noise

    def target(self, clean: Tensor, noise: Tensor, times: Tensor) -> Tensor:
        """What the network must predict (B, C, X, Y, Z); linear in ``clean`` and ``noise``."""
        return PREDICTIONS[self.prediction].target(clean, noise, *self.scales(times))

    def clean_of(self, z: Tensor, predicted: Tensor, times: Tensor) -> Tensor:
        """The estimate of z_0 (B, C, X, Y, Z) from a prediction for ``z`` at ``times`` (B,)."""
        return PREDICTIONS[self.prediction].clean_of(z, predicted, *self.scales(times))

    def noise_of(self, z: Tensor, predicted: Tensor, times: Tensor) -> Tensor:
        """The estimate of eps (B, C, X, Y, Z) from a prediction for ``z`` at ``times`` (B,)."""
        return PREDICTIONS[self.prediction].noise_of(z, predicted, *self.scales(times))

    def unseen(self, times: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
        """One standard deviation of what z_t leaves open if z_0 is N(m, ``variance``): steps of z_0 and of eps.

        With eps of variance n^2 and d = a^2 s^2 + b^2 n^2 they are s b n / sqrt(d) and -a s n / sqrt(d): together they
        do not move z_t.
        """
        (a, b), n2 = self.scales(times), self.noise_variance
        open_ = (variance * n2).sqrt() / (a * a * variance + b * b * n2).sqrt()
        return b * open_, -a * open_

    def posterior_floor(self, variance: Tensor) -> float:
        """The least loss any network can reach on latents resampled from posteriors of ``variance`` (any shape), where
        the noise is white.

        Even a network that knew the posterior's mean could not tell the posterior's noise from the added one: what
        ``unseen`` moves in the target is left. The floor is the mean over voxels and evenly spread times.
        """
        some = variance.flatten()[:: max(1, variance.numel() // MOST_VARIANCES)].cpu().double()
        levels = some.quantile(torch.linspace(0.005, 0.995, 100, dtype=torch.float64))  # (100,)
        times = self.moments(self.timesteps)  # (T,)
        left = self.target(*self.unseen(times, levels), times)  # (T, 1, 1, 1, 100)
        return float(left.square().mean())
