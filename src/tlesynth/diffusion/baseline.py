"""What needs no network: the exact denoiser of voxel-by-voxel Gaussian latents, and a network that corrects it.

If each latent voxel were N(m, s^2) on its own, the clean value given the noisy one would be Gaussian, with

    mean (m (1 - ab) + sqrt(ab) s^2 z_t) / d,   variance s^2 (1 - ab) / d,   d = ab s^2 + 1 - ab,   ab = alpha_bar_t.

``Corrected`` predicts that mean plus the network's output in units of that spread, so that a network that has learned
nothing already draws the mean anatomy with the right spread, and all its capacity goes into what hangs together. With
one scalar mean and spread the same idea is the preconditioning of Karras et al. (arXiv 2206.00364).
"""

from __future__ import annotations

import torch
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from torch import Tensor, nn

LEAST_VARIANCE = 1e-4
"""Floor of a voxel's variance: in the background all training latents agree."""


class Corrected(nn.Module):
    """Velocity of noisy latents: that of the voxelwise Gaussian, corrected by ``network``.

    Args:
        network: takes latents (B, C, X, Y, Z) of unit spread, timesteps (B,) and labels (B,).
        schedule: the noise schedule, of prediction type v_prediction.
        latent_shape: (C, X, Y, Z).
    """

    mean: Tensor
    variance: Tensor
    alpha_bars: Tensor

    def __init__(self, network: nn.Module, schedule: DDPMScheduler, latent_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.zeros(latent_shape))
        self.register_buffer("variance", torch.ones(latent_shape))
        self.register_buffer("alpha_bars", schedule.alphas_cumprod.clone(), persistent=False)

    def measure(self, mean: Tensor, variance: Tensor) -> None:
        """Take the voxelwise mean and variance of the training latents, each (C, X, Y, Z)."""
        self.mean.copy_(mean)
        self.variance.copy_(variance.clamp_min(LEAST_VARIANCE))

    def forward(self, z: Tensor, timesteps: Tensor, labels: Tensor) -> Tensor:
        """Velocity (B, C, X, Y, Z) for noisy latents ``z`` (B, C, X, Y, Z), ``timesteps`` (B,) and ``labels`` (B,)."""
        ab = self.alpha_bars[timesteps].reshape(-1, 1, 1, 1, 1)  # (B, 1, 1, 1, 1)
        signal, noise = ab.sqrt(), (1 - ab).sqrt()
        spread = (ab * self.variance + 1 - ab).sqrt()  # (B, C, X, Y, Z), that of z_t
        correction = self.network((z - signal * self.mean) / spread, timesteps, labels).float()  # (B, C, X, Y, Z)
        # v = (sqrt(ab) z_t - x_0) / sqrt(1 - ab), with the division carried out so that nothing grows where noise is 0.
        baseline = noise * (signal * (1 - self.variance) * z - self.mean) / spread**2
        return baseline - self.variance.sqrt() / spread * correction
