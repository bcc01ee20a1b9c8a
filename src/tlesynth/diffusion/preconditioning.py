"""A network that only learns what voxel-by-voxel Gaussian latents leave open.

If each latent voxel were N(m, s^2) on its own, the best guess of z_0 and eps given z_t = a z_0 + b eps would be

    m + a s^2 (z_t - a m) / d   and   b (z_t - a m) / d,   d = a^2 s^2 + b^2 (the variance of z_t),

and what remains unknown would move them by s b / sqrt(d) and -a s / sqrt(d) together. ``Preconditioned`` predicts that
guess, plus the network's output as the multiple of that move. A network that has learned nothing already draws the
mean anatomy with the right spread, and all its capacity goes into what hangs together. With one scalar mean and spread
the same idea is the preconditioning of Karras et al. (arXiv 2206.00364). With ``conditions`` m is the mean under what
is told (``average_effects``), so that asking for a side moves the hippocampus before the network has learned to.

Where the process's noise has a ``Texture``, latents and noise are alike but for their means: the formulas hold with the
noise's own variance (b^2 n^2 for b^2), and what they draw untrained has neighbours that fit each other. What remains
unknown then has that texture too, and so has the move that the network decides on.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from tlesynth.diffusion.average_effects import AverageEffects, centred, fit_effects, indicators
from tlesynth.diffusion.conditions import Conditions
from tlesynth.diffusion.latents import Latents
from tlesynth.diffusion.process import Process

LEAST_VARIANCE = 1e-4
"""Floor of a voxel's variance: in the background all training latents agree."""
TEXTURE_SCANS = 400
"""Latents, of any view, that a texture is measured on: each has thousands of pairs of voxels, and takes a twentieth of
a second."""


class Preconditioned(nn.Module):
    """What ``process`` predicts for noisy latents: that of the voxelwise Gaussian, corrected by ``network``.

    Args:
        network: takes latents (B, C, X, Y, Z) of unit spread, times (B,) and conditions (B, K).
        process: how latents are noised, and what is predicted.
        latent_shape: (C, X, Y, Z).
        conditions: those on which the mean depends; None: it depends on none.
    """

    mean: Tensor
    variance: Tensor
    centre: Tensor
    effects: Tensor

    def __init__(
        self,
        network: nn.Module,
        process: Process,
        latent_shape: tuple[int, ...],
        conditions: Conditions | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.process = process
        self.conditions = conditions
        if conditions is not None:
            count = indicators(conditions, conditions.null(1)).shape[1]
            self.register_buffer("centre", torch.zeros(count))
            self.register_buffer("effects", torch.zeros(count, *latent_shape))
        self.register_buffer("mean", torch.zeros(latent_shape))
        self.register_buffer("variance", torch.ones(latent_shape))
        self.texture = process.texture  # a part of the model: saved, moved and averaged with it

    def measure_on(self, data: Latents) -> None:
        """Take all of it from the training latents."""
        self.measure(*data.voxelwise())
        if self.conditions is not None:
            self.measure_effects(fit_effects(data, self.conditions))
        if self.texture is not None:
            self.texture.measure(self._residuals(data), self.variance)

    def measure(self, mean: Tensor, variance: Tensor) -> None:
        """Take the voxelwise mean and variance of the training latents, each (C, X, Y, Z)."""
        self.mean.copy_(mean)
        self.variance.copy_(variance.clamp_min(LEAST_VARIANCE))

    def measure_effects(self, found: AverageEffects) -> None:
        """Take what the conditions do on average; the variance is from now on that about the mean they lead to."""
        self.centre.copy_(found.centre)
        self.effects.copy_(found.effects)
        self.variance.copy_((self.variance - found.explained).clamp_min(LEAST_VARIANCE))

    def _residuals(self, data: Latents) -> Iterator[Tensor]:
        """Training latents, at most ``TEXTURE_SCANS`` of any view, less their means (C, X, Y, Z)."""
        # At random: even steps through views of as many scans could meet the same people in each.
        rows = torch.randperm(len(data), generator=torch.Generator().manual_seed(0))[:TEXTURE_SCANS]
        for row in rows.tolist():
            mean = self.mean_under(data.conditions[row : row + 1]).reshape(self.mean.shape)
            yield data.values[row].cpu().float() - mean.cpu()

    def mean_under(self, told: Tensor) -> Tensor:
        """The mean latents (B, C, X, Y, Z), or (C, X, Y, Z) for all, under conditions ``told`` (B, K)."""
        if self.conditions is None:
            return self.mean
        # Autocast would round the effects in training alone: sampling runs only the transformer in bfloat16.
        with torch.autocast(told.device.type, enabled=False):
            moves = centred(indicators(self.conditions, told), self.centre)  # (B, F)
            return self.mean + torch.tensordot(moves, self.effects, 1)

    def forward(self, z: Tensor, times: Tensor, conditions: Tensor) -> Tensor:
        """Prediction (B, C, X, Y, Z) for noisy ``z`` (B, C, X, Y, Z), ``times`` (B,) and ``conditions`` (B, K)."""
        a, b = self.process.scales(times)  # (B, 1, 1, 1, 1) each
        n2 = self.process.noise_variance
        spread = (a * a * self.variance + b * b * n2).sqrt()  # (B, C, X, Y, Z), that of z
        mean = self.mean_under(conditions)
        surprise = (z - a * mean) / spread  # (B, C, X, Y, Z)
        correction = self.network(surprise, times, conditions).float()  # (B, C, X, Y, Z)
        if self.texture is not None:
            correction = self.texture.coloured(correction)
        clean_move, noise_move = self.process.unseen(times, self.variance)  # (B, C, X, Y, Z) each
        clean = mean + a * self.variance / spread * surprise + clean_move * correction
        noise = b * n2 / spread * surprise + noise_move * correction
        return self.process.target(clean, noise, times)
