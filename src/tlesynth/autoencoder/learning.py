"""How the two networks learn: the losses of a step, the optimisers, the validation.

Each way of learning counts its own steps, and every draw of a step is keyed by (seed, way, step).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts

from tlesynth import recipe
from tlesynth.autoencoder import losses
from tlesynth.autoencoder.lean_coder import LeanCoder
from tlesynth.autoencoder.networks import Autoencoder, channels_last, discriminator
from tlesynth.autoencoder.objective import Objective
from tlesynth.autoencoder.scans import Scans
from tlesynth.seeds import seed_of, torch_generator
from tlesynth.training import Learner, Order
from tlesynth.volume import Grid

LEAST_LEARNING_RATE = 1e-6
Loss = Callable[[int], dict[str, Tensor]]
Draw = Callable[[int, str], tuple[Tensor, Tensor, torch.Generator]]
"""(step, way) -> volumes (B, 1, X, Y, Z), the noise of their latents (B, C, x, y, z), and a generator for more."""


@dataclass(frozen=True)
class Networks:
    """What is trained, as Fabric wraps it, and an optimiser for each use of it."""

    autoencoder: nn.Module
    discriminator: nn.Module
    reconstruction: torch.optim.Optimizer
    finetuning: torch.optim.Optimizer
    discrimination: torch.optim.Optimizer

    @property
    def bare(self) -> Autoencoder:
        """The autoencoder inside Fabric's wrapper."""
        return self.autoencoder.module  # ty: ignore[invalid-explicit-return]


def build_networks(settings: recipe.Autoencoder, scans: Scans, grid: Grid, fabric: Fabric, seed: int) -> Networks:
    """Both networks with weights drawn from ``seed``, on the device, each optimiser set up once for the whole run.

    The lean coder's linear path starts from ``scans``.
    """
    first, second = settings.reconstruction, settings.adversarial_phase
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, "autoencoder", "initialisation"))
        network, opponent = Autoencoder(settings.network, grid), discriminator(second)
    if isinstance(network.coder, LeanCoder):
        network.coder.start_linear(scans.voxels)
    network, opponent = channels_last(network), channels_last(opponent)
    reconstruction = torch.optim.Adam(network.parameters(), lr=first.learning_rate)
    finetuning = torch.optim.Adam(network.parameters(), lr=second.learning_rate)
    discrimination = torch.optim.Adam(opponent.parameters(), lr=second.discriminator_learning_rate)
    network, reconstruction, finetuning = fabric.setup(network, reconstruction, finetuning)
    opponent, discrimination = fabric.setup(opponent, discrimination)
    return Networks(network, opponent, reconstruction, finetuning, discrimination)


def learners_of(
    networks: Networks, scans: Scans, objective: Objective, settings: recipe.Autoencoder, seed: int
) -> dict[str, Learner]:
    """The three ways of learning: reconstruction, fine-tuning against the discriminator, the discriminator itself."""
    first = settings.reconstruction
    period = first.restart_epochs * Order(len(scans), first.batch_size, seed, "autoencoder").steps_per_epoch
    schedule = CosineAnnealingWarmRestarts(
        networks.reconstruction, T_0=period, T_mult=2, eta_min=min(LEAST_LEARNING_RATE, first.learning_rate)
    )
    draw = _draws(networks, scans, first.batch_size, seed)
    clip = settings.gradient_clip
    autoencoder, opponent = networks.autoencoder, networks.discriminator
    return {
        "reconstruction": Learner(
            autoencoder,
            networks.reconstruction,
            _reconstruction_loss(autoencoder, draw, objective),
            schedule,
            clip=clip,
        ),
        "finetuning": Learner(
            autoencoder, networks.finetuning, _finetuning_loss(autoencoder, opponent, draw, objective), clip=clip
        ),
        "discriminator": Learner(
            opponent, networks.discrimination, _discriminator_loss(autoencoder, opponent, draw), clip=clip
        ),
    }


def validation_of(
    networks: Networks, learners: dict[str, Learner], scans: Scans, objective: Objective, fabric: Fabric, seed: int
) -> Callable[[], dict[str, float]]:
    """Means over held-out scans decoded from the posterior mean.

    ``score`` leaves the adversarial term out: against a discriminator that moves, it cannot be compared from round to
    round. ``paper_sum`` adds it, as the paper does.
    """
    noise = torch.zeros(1, *networks.bare.latent_shape, device=fabric.device)

    @torch.no_grad()
    def validate() -> dict[str, float]:
        rows = []
        for row, participant_id in enumerate(scans.ids):
            x = scans.batch(np.array([row]), fabric.device)
            made = networks.autoencoder(x, noise)
            terms = objective.terms(x, made, torch_generator(seed, "autoencoder", "validation", participant_id))
            figures = {"score": objective.total(terms)} | terms
            if learners["discriminator"].steps:
                figures["adversarial"] = losses.adversarial_loss(networks.discriminator(made.x_hat)[-1])
                figures["paper_sum"] = objective.total(terms | {"adversarial": figures["adversarial"]})
            rows.append({name: float(value) for name, value in figures.items()})
        return {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}

    return validate


def _draws(networks: Networks, scans: Scans, batch_size: int, seed: int) -> Draw:
    shape, device = networks.bare.latent_shape, networks.bare.latent_mean.device

    def draw(step: int, purpose: str) -> tuple[Tensor, Tensor, torch.Generator]:
        rows = Order(len(scans), batch_size, seed, f"autoencoder/{purpose}").batch(step)
        draws = torch_generator(seed, "autoencoder", purpose, "draws", step)
        noise = torch.randn(len(rows), *shape, generator=draws).to(device)
        return scans.batch(rows, device), noise, draws

    return draw


def _reconstruction_loss(network: nn.Module, draw: Draw, objective: Objective) -> Loss:
    def loss(step: int) -> dict[str, Tensor]:
        x, noise, draws = draw(step, "reconstruction")
        terms = objective.terms(x, network(x, noise), draws)
        return {"loss": objective.total(terms)} | terms

    return loss


def _finetuning_loss(network: nn.Module, opponent: nn.Module, draw: Draw, objective: Objective) -> Loss:
    def loss(step: int) -> dict[str, Tensor]:
        opponent.requires_grad_(False)
        x, noise, draws = draw(step, "finetuning")
        made = network(x, noise)
        terms = objective.terms(x, made, draws)
        terms["adversarial"] = losses.adversarial_loss(opponent(made.x_hat)[-1])
        return {"loss": objective.total(terms)} | terms

    return loss


def _discriminator_loss(network: nn.Module, opponent: nn.Module, draw: Draw) -> Loss:
    def loss(step: int) -> dict[str, Tensor]:
        opponent.requires_grad_(True)
        x, noise, _ = draw(step, "discriminator")
        with torch.no_grad():
            x_hat = network(x, noise).x_hat
        real, fake = opponent(x)[-1], opponent(x_hat)[-1]
        accuracy = 0.5 * ((real > 0).float().mean() + (fake < 0).float().mean())
        return {"loss": losses.discriminator_loss(real, fake), "discriminator_accuracy": accuracy}

    return loss
