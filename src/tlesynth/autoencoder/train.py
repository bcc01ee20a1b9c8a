"""Training of the VAE-GAN (paper, section 5.1): first reconstruction, then discriminator and autoencoder in turn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tlesynth import recipe
from tlesynth.autoencoder.learning import build_networks, learners_of, validation_of
from tlesynth.autoencoder.model import save_autoencoder
from tlesynth.autoencoder.networks import Autoencoder
from tlesynth.autoencoder.objective import objective_of
from tlesynth.autoencoder.scans import Scans, read_scans
from tlesynth.data.cohort import read_cohort
from tlesynth.errors import fail
from tlesynth.run_folder import RunFolder
from tlesynth.training import Order, Position, Segment, fabric_for, train
from tlesynth.volume import Grid

RECONSTRUCTION, WARMUP, ADVERSARIAL = "reconstruction", "discriminator warm-up", "adversarial"
"""Phases. The first discriminator turn is one of its own: the result must be an autoencoder that met its opponent."""


def train_autoencoder(
    derivatives: Path, splits: Path, out: Path, settings: recipe.Autoencoder, *, seed: int, device: str, precision: str
) -> None:
    """Train on ``gen_train``, keep the weights of the last phase that are best on ``val``, publish ``out/model``.

    The same command resumes, and does nothing once the model stands.

    Raises:
        TlesynthError: WTS-001 if the recipe asks for LPIPS without its weights, CFG-010 if ``out`` was made with other
            settings, DATA and NII codes for missing or unfitting input, NUM-001 if a loss is not finite, OPS-075 after
            a stop request.
    """
    cohort = read_cohort(derivatives)
    run = RunFolder.open(out, _settings_of(settings, cohort.grid, seed, precision))
    if run.finished:
        return
    fabric = fabric_for(device, precision)
    objective = objective_of(settings, fabric.device)
    fitted, held_out = (read_scans(cohort, splits, split) for split in ("gen_train", "val"))
    networks = build_networks(settings, fitted, cohort.grid, fabric, seed)
    learners = learners_of(networks, fitted, objective, settings, seed)
    order = Order(len(fitted), settings.reconstruction.batch_size, seed, "autoencoder")
    position = train(
        run,
        fabric,
        learners,
        segments_of(settings, order.steps_per_epoch),
        validate=validation_of(networks, learners, held_out, objective, fabric, seed),
        validate_every=settings.validate_every,
        checkpoint_every=settings.checkpoint_every,
        label="training the autoencoder",
    )
    network = networks.bare
    mean, scale = latent_statistics(network, fitted, fabric.device)
    network.latent_mean.copy_(mean)
    network.latent_scale.copy_(scale)
    facts = _training_facts(run, position, fitted, held_out, objective.perceptual_name)
    save_autoencoder(out / "model", network, facts)
    run.finish(facts)


def segments_of(settings: recipe.Autoencoder, steps_per_epoch: int) -> list[Segment]:
    """The paper's schedule: reconstruction, then rounds of a discriminator turn and an autoencoder turn.

    An autoencoder turn ends when the running mean of the unweighted adversarial loss falls below ``stop_below``.
    """
    first, second = settings.reconstruction, settings.adversarial_phase
    segments = [
        Segment(RECONSTRUCTION, RECONSTRUCTION, "reconstruction", first.steps or first.epochs * steps_per_epoch)
    ]
    against = second.discriminator_steps or second.discriminator_epochs * steps_per_epoch
    bound = second.autoencoder_steps or second.autoencoder_epochs * steps_per_epoch
    for number in range(1, second.rounds + 1):
        phase = WARMUP if number == 1 else ADVERSARIAL
        segments.append(Segment(f"discriminator {number}", phase, "discriminator", against))
        turn = Segment(f"autoencoder {number}", ADVERSARIAL, "finetuning", bound, "adversarial", second.stop_below)
        segments.append(turn)
    return segments


@torch.no_grad()
def latent_statistics(network: Autoencoder, scans: Scans, device: torch.device) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (C,) of the posterior mean per channel, over every voxel of every scan.

    Raises:
        TlesynthError: NUM-001 if a channel never changes: nothing could be normalised by it.
    """
    total = torch.zeros(2, network.settings.latent_channels, dtype=torch.float64)
    count = 0
    for row in range(len(scans)):
        mean, _ = network.encode(scans.batch(np.array([row]), device))  # (1, C, x, y, z)
        values = mean[0].flatten(1).double().cpu()  # (C, x*y*z)
        total += torch.stack([values.sum(1), values.square().sum(1)])
        count += values.shape[1]
    mean = total[0] / count
    scale = (total[1] / count - mean.square()).clamp_min(0).sqrt()
    if not bool((scale > 0).all()):
        raise fail("NUM-001", "latent statistics", f"standard deviations are {scale.tolist()}")
    return mean.float(), scale.float()


def _settings_of(settings: recipe.Autoencoder, grid: Grid, seed: int, precision: str) -> dict[str, Any]:
    """What determines the run: a folder made with anything else is refused."""
    return {
        "autoencoder": settings.model_dump(mode="json"),
        "grid": grid.fingerprint,
        "seed": seed,
        "precision": precision,
    }


def _training_facts(
    run: RunFolder, position: Position, fitted: Scans, held_out: Scans, perceptual: str
) -> dict[str, Any]:
    best = run.load("best").state
    return {
        "scans": len(fitted),
        "validation_scans": len(held_out),
        "steps": position.step,
        "best_step": position.best_step,
        "phase": position.best_phase,
        "perceptual": perceptual,
        "validation": best["figures"],
        "turns": position.turns,
    }
