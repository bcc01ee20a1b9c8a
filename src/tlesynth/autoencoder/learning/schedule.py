"""The turns of a training run, and how the learning rates go in them."""

from __future__ import annotations

import torch
from torch.optim.lr_scheduler import LRScheduler

from tlesynth import recipe
from tlesynth.training import Segment
from tlesynth.training.optimizers import cosine, warm_restarts

RECONSTRUCTION, WARMUP, ADVERSARIAL = "reconstruction", "discriminator warm-up", "adversarial"
"""Phases. The first discriminator turn is one of its own: the result must be an autoencoder that met its opponent."""


SETTLED_STEPS = 35
"""Steps after which a running mean with decay 0.98 has half its full weight."""


def segments_of(settings: recipe.Autoencoder, epoch: int) -> list[Segment]:
    """Phase 1, then what the recipe's schedule makes of phase 2; ``epoch`` counts the steps of one."""
    steps = phase_steps(settings, epoch)[0]
    segments = [Segment(RECONSTRUCTION, RECONSTRUCTION, "reconstruction", steps)]
    second = settings.adversarial_phase
    turns = alternating if second.schedule == "alternating" else joint
    return segments + (turns(settings, epoch) if second.rounds else [])


def alternating(settings: recipe.Autoencoder, epoch: int) -> list[Segment]:
    """The paper's phase 2: rounds of a discriminator turn and an autoencoder turn.

    An autoencoder turn ends when the running mean of the unweighted adversarial loss, begun anew in each turn, falls
    below ``stop_below``, or at its bound; not before half its bound, or ``SETTLED_STEPS``, since a batch or two are
    luck. The discriminator's turns leave the autoencoder as it is: not validated.
    """
    second = settings.adversarial_phase
    _, against, bound = phase_steps(settings, epoch)
    least = min(SETTLED_STEPS, -(-bound // 2))
    segments = []
    for number in range(1, second.rounds + 1):
        phase = WARMUP if number == 1 else ADVERSARIAL
        segments.append(Segment(f"discriminator {number}", phase, "discriminator_alone", against, validated=False))
        turn = Segment(
            f"autoencoder {number}", ADVERSARIAL, "finetuning", bound, "adversarial", second.stop_below, least
        )
        segments.append(turn)
    return segments


def joint(settings: recipe.Autoencoder, epoch: int) -> list[Segment]:
    """The schedule of VQGAN, latent diffusion and MAISI: each batch moves the autoencoder, then the discriminator.

    The discriminator may warm up alone before, so that its first judgements are not noise.
    """
    _, warmup, steps = phase_steps(settings, epoch)
    both = Segment("joint", ADVERSARIAL, "finetuning", steps, then=("discriminator",))
    alone = Segment(WARMUP, WARMUP, "discriminator_alone", warmup, validated=False)
    return [alone, both] if warmup else [both]


def steps_per_epoch(settings: recipe.Autoencoder, scans: int) -> int:
    """Optimiser steps in one pass over ``scans`` training scans."""
    first = settings.reconstruction
    return -(-scans // (first.batch_size * first.accumulate))


def phase_steps(settings: recipe.Autoencoder, epoch: int) -> tuple[int, int, int]:
    """Steps of phase 1, of one discriminator turn, and of one autoencoder (or joint) turn at most."""
    first, second = settings.reconstruction, settings.adversarial_phase
    return (
        first.steps or first.epochs * epoch,
        second.discriminator_steps or second.discriminator_epochs * epoch,
        second.autoencoder_steps or second.autoencoder_epochs * epoch,
    )


def reconstruction_rate(
    optimizer: torch.optim.Optimizer, settings: recipe.Autoencoder, epoch: int
) -> LRScheduler | None:
    """How the learning rate of phase 1 goes."""
    first = settings.reconstruction
    if first.decay == "warm_restarts":
        return warm_restarts(optimizer, first.restart_epochs * epoch, first.learning_rate)
    if first.decay == "cosine":
        steps = phase_steps(settings, epoch)[0]
        return cosine(optimizer, steps, first.warmup_steps, first.learning_rate)
    return None


def finetuning_rate(optimizer: torch.optim.Optimizer, settings: recipe.Autoencoder, epoch: int) -> LRScheduler | None:
    """How the autoencoder's learning rate goes in phase 2; turns that stop early leave the cosine unfinished."""
    second = settings.adversarial_phase
    if second.decay == "cosine":
        steps = second.rounds * phase_steps(settings, epoch)[2]
        return cosine(optimizer, steps, second.warmup_steps, second.learning_rate)
    return None
