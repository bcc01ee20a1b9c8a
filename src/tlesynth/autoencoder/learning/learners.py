"""How the two networks learn: the losses of a step, and the optimisers.

Each way of learning counts its own steps, and every draw of a step is keyed by (seed, way, step).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from tlesynth import recipe
from tlesynth.autoencoder.coders.lean import LeanCoder
from tlesynth.autoencoder.discriminator import PatchDiscriminator
from tlesynth.autoencoder.learning.draws import Draws, Part
from tlesynth.autoencoder.learning.objective import Objective
from tlesynth.autoencoder.learning.schedule import finetuning_rate, reconstruction_rate, steps_per_epoch
from tlesynth.autoencoder.networks import Autoencoder, channels_last
from tlesynth.autoencoder.scans import Scans
from tlesynth.errors import fail
from tlesynth.seeds import seed_of
from tlesynth.training import Ema, Learner, Loss
from tlesynth.training.optimizers import optimizer_of
from tlesynth.volume import Grid


@dataclass(frozen=True)
class Seen:
    """A part of the step that the autoencoder is taking, and what it has made of it (B, 1, X, Y, Z)."""

    part: Part
    x_hat: Tensor


@dataclass(frozen=True)
class Networks:
    """What is trained, as Fabric wraps it, an optimiser for each use of it, and the average of the autoencoder."""

    autoencoder: nn.Module
    discriminator: nn.Module
    reconstruction: torch.optim.Optimizer
    finetuning: torch.optim.Optimizer
    discrimination: torch.optim.Optimizer
    average: Ema | None = None

    @property
    def bare(self) -> Autoencoder:
        """The autoencoder inside Fabric's wrapper."""
        return self.autoencoder.module  # ty: ignore[invalid-explicit-return]

    @property
    def result(self) -> Autoencoder:
        """The autoencoder that is validated and saved: the average where there is one."""
        return self.bare if self.average is None else self.average.network  # ty: ignore[invalid-explicit-return]


def build_networks(settings: recipe.Autoencoder, scans: Scans, grid: Grid, fabric: Fabric, seed: int) -> Networks:
    """Both networks with weights drawn from ``seed``, on the device, each optimiser set up once for the whole run.

    The lean coder's linear path starts from ``scans``.

    Raises:
        TlesynthError: CFG-003 if the grid or the crop is too small for the objective, or the crop larger than the grid.
    """
    refuse_sizes(settings, grid)
    first, second = settings.reconstruction, settings.adversarial_phase
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, "autoencoder", "initialisation"))
        network, opponent = Autoencoder(settings.network, grid), PatchDiscriminator(second)
    if isinstance(network.coder, LeanCoder):
        network.coder.start_linear(scans.voxels)
    network, opponent = channels_last(network), channels_last(opponent)
    reconstruction, finetuning, discrimination = (
        optimizer_of(of, settings.optimizer, rate, settings.weight_decay)
        for of, rate in (
            (network, first.learning_rate),
            (network, second.learning_rate),
            (opponent, second.discriminator_learning_rate),
        )
    )
    network, reconstruction, finetuning = fabric.setup(network, reconstruction, finetuning)
    opponent, discrimination = fabric.setup(opponent, discrimination)
    average = Ema(network.module, settings.ema_decay) if settings.ema_decay else None
    return Networks(network, opponent, reconstruction, finetuning, discrimination, average)


def learners_of(
    networks: Networks, scans: Scans, objective: Objective, settings: recipe.Autoencoder, seed: int
) -> dict[str, Learner]:
    """The ways of learning: reconstruction, fine-tuning against the discriminator, and the discriminator.

    It learns from draws of its own (``discriminator_alone``), or from the batch and the reconstructions of the
    fine-tuning step just before (``discriminator``, for the joint schedule).
    """
    bare, clip = networks.bare, settings.gradient_clip
    draws = Draws(scans, settings, bare.settings.latent_channels, bare.grid.spacing, seed, bare.latent_mean.device)
    # Where no discriminator follows on a step, nothing of it is kept.
    seen = deque[Seen](maxlen=None if settings.adversarial_phase.schedule == "joint" else 0)
    epoch = steps_per_epoch(settings, len(scans))
    return {
        "reconstruction": Learner(
            networks.autoencoder,
            networks.reconstruction,
            _reconstruction_loss(networks, draws, objective),
            reconstruction_rate(networks.reconstruction, settings, epoch),
            networks.average,
            clip,
            partial(draws.names, "reconstruction"),
        ),
        "finetuning": Learner(
            networks.autoencoder,
            networks.finetuning,
            _finetuning_loss(networks, draws, objective, seen),
            finetuning_rate(networks.finetuning, settings, epoch),
            networks.average,
            clip,
            partial(draws.names, "finetuning"),
        ),
        "discriminator_alone": Learner(
            networks.discriminator,
            networks.discrimination,
            _alone_loss(networks, draws, objective),
            clip=clip,
            samples=partial(draws.names, "discriminator"),
        ),
        "discriminator": Learner(
            networks.discriminator,
            networks.discrimination,
            _following_loss(networks, objective, seen),
            clip=clip,
            samples=partial(draws.names, "finetuning"),
        ),
    }


def _reconstruction_loss(networks: Networks, draws: Draws, objective: Objective) -> Loss:
    def loss(step: int) -> Iterator[dict[str, Tensor]]:
        for part in draws.parts("reconstruction", step):
            terms = objective.terms(part.x, networks.autoencoder(part.x, part.noise), part.draws)
            yield part.weighed({"loss": objective.total(terms)} | terms)

    return loss


def _finetuning_loss(networks: Networks, draws: Draws, objective: Objective, seen: deque[Seen]) -> Loss:
    def loss(step: int) -> Iterator[dict[str, Tensor]]:
        networks.discriminator.requires_grad_(False)
        seen.clear()
        for part in draws.parts("finetuning", step):
            made = networks.autoencoder(part.x, part.noise)
            terms = objective.terms(part.x, made, part.draws)
            terms["adversarial"] = objective.form.autoencoder(networks.discriminator(made.x_hat)[-1])
            seen.append(Seen(part, made.x_hat.detach()))
            yield part.weighed({"loss": objective.total(terms)} | terms)

    return loss


def _alone_loss(networks: Networks, draws: Draws, objective: Objective) -> Loss:
    def loss(step: int) -> Iterator[dict[str, Tensor]]:
        for part in draws.parts("discriminator", step):
            with torch.no_grad():
                x_hat = networks.autoencoder(part.x, part.noise).x_hat
            yield _judged(networks.discriminator, Seen(part, x_hat), objective)

    return loss


def _following_loss(networks: Networks, objective: Objective, seen: deque[Seen]) -> Loss:
    def loss(step: int) -> Iterator[dict[str, Tensor]]:
        for both in seen:
            yield _judged(networks.discriminator, both, objective)

    return loss


def _judged(discriminator: nn.Module, seen: Seen, objective: Objective) -> dict[str, Tensor]:
    """How the discriminator tells volumes and their reconstructions apart, both (B, 1, X, Y, Z)."""
    discriminator.requires_grad_(True)
    real, fake = discriminator(seen.part.x)[-1], discriminator(seen.x_hat)[-1]
    accuracy = objective.form.accuracy(real, fake)
    return seen.part.weighed({"loss": objective.form.discriminator(real, fake), "discriminator_accuracy": accuracy})


def refuse_sizes(settings: recipe.Autoencoder, grid: Grid) -> None:
    """Raise CFG-003 if the grid or the crop is too small for the objective, or the crop larger than the grid."""
    sides, where = (grid.shape, f"grid {grid.name}") if settings.crop is None else (settings.crop, "crop")
    if any(side > whole for side, whole in zip(sides, grid.shape, strict=True)):
        raise fail("CFG-003", f"autoencoder.crop {sides}", f"the grid {grid.name} has {grid.shape} voxels")
    if min(sides) < settings.least_side:
        layers = settings.adversarial_phase.discriminator_layers
        why = f"perceptual {settings.perceptual} and a discriminator of {layers} layers need {settings.least_side}"
        raise fail("CFG-003", where, f"{min(sides)} voxels on one side; {why}")
