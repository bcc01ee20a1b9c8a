"""The terms of equation 5 with the recipe's weights, and which perceptual distance stands among them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tlesynth.autoencoder.learning import losses
from tlesynth.autoencoder.learning.adversarial import FORMS, Adversarial
from tlesynth.autoencoder.networks import Reconstruction
from tlesynth.recipe import Autoencoder as Settings
from tlesynth.volume import Grid
from tlesynth.weights import lpips_name, lpips_network

Perceptual = Callable[[Tensor, Tensor, Sequence[torch.Generator]], Tensor]
"""(volumes, reconstructions, draws) -> scalar; ``draws``, one a volume, choose the slices where slices are compared."""


@dataclass(frozen=True)
class Objective:
    """Weights by term (l1, perceptual, kl, adversarial), the perceptual distance with the name results carry, and the
    adversarial loss's form."""

    weights: dict[str, float]
    perceptual: Perceptual | None
    perceptual_name: str
    form: Adversarial
    voxels: int
    """Of a whole volume."""

    def terms(self, x: Tensor, made: Reconstruction, draws: Sequence[torch.Generator]) -> dict[str, Tensor]:
        """Every term that needs no discriminator, unweighted; ``x`` is (B, 1, X, Y, Z) on [0, 1], volumes or crops.

        The KL divergence is that of a whole volume: a crop's counts for what it stands for, so that its weight against
        the mean over voxels is the same whatever the crop.
        """
        kl = losses.kl(made.mean, made.logvar) * (self.voxels / x[0].numel())
        terms = {"l1": losses.l1(x, made.x_hat), "kl": kl}
        if self.perceptual is not None:
            terms["perceptual"] = self.perceptual(x, made.x_hat, draws)
        return terms

    def total(self, terms: dict[str, Tensor]) -> Tensor:
        """Equation 5 over the terms that are given."""
        return losses.objective(terms, self.weights)


def objective_of(settings: Settings, grid: Grid, device: torch.device) -> Objective:
    """The recipe's objective for volumes on ``grid``; LPIPS weights are found here, or refused.

    Raises:
        TlesynthError: WTS-001 if the recipe asks for LPIPS and its weights are missing.
    """
    weights = {"l1": settings.l1, "perceptual": settings.perceptual_weight, "kl": settings.kl}
    perceptual, name = _perceptual(settings, device)
    form = FORMS[settings.adversarial_phase.loss]
    return Objective(weights | {"adversarial": settings.adversarial}, perceptual, name, form, math.prod(grid.shape))


def _perceptual(settings: Settings, device: torch.device) -> tuple[Perceptual | None, str]:
    if settings.perceptual == "none":
        return None, "none"
    if settings.perceptual == "ssim3d":
        return _ssim3d, "ssim3d"
    kind = "alex" if settings.perceptual == "lpips-alex" else "squeeze"
    network, share = lpips_network(kind).to(device), settings.perceptual_slices

    def lpips(x: Tensor, x_hat: Tensor, draws: Sequence[torch.Generator]) -> Tensor:
        return losses.lpips_on_slices(network, x, x_hat, losses.draw_slices(x, share, draws))

    return lpips, lpips_name(kind)


def _ssim3d(x: Tensor, x_hat: Tensor, draws: Sequence[torch.Generator]) -> Tensor:
    return losses.ssim3d(x, x_hat)
