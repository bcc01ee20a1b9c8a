"""Training of the VAE-GAN (paper, section 5.1): first reconstruction, then against a discriminator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor

from tlesynth import interruption, recipe
from tlesynth.autoencoder.gate.judging import pass_gate, pass_gate_again
from tlesynth.autoencoder.learning.learners import build_networks, learners_of
from tlesynth.autoencoder.learning.objective import objective_of
from tlesynth.autoencoder.learning.schedule import segments_of, steps_per_epoch
from tlesynth.autoencoder.learning.validation import CHECKPOINT_OF, validation_of
from tlesynth.autoencoder.model import save_autoencoder
from tlesynth.autoencoder.networks import Autoencoder
from tlesynth.autoencoder.scans import FITTED, JUDGED, Scans, origin_of, read_scans
from tlesynth.data.cohort import Cohort, read_cohort
from tlesynth.errors import fail
from tlesynth.progress import track
from tlesynth.recipe.autoencoder import FREE
from tlesynth.run_folder import Keeping, RunFolder
from tlesynth.training import Limits, Position, Rhythm, every, fabric_for, train


def train_autoencoder(
    derivatives: Path,
    splits: Path,
    out: Path,
    settings: recipe.Autoencoder,
    *,
    seed: int,
    device: str,
    precision: str,
    inference: recipe.Inference | None = None,
) -> None:
    """Train on ``gen_train``, keep the weights of the last phase that are best on ``val``, publish ``out/model``.

    Training ends with the quality gate (``gate``), which runs the model as ``inference`` will. The same command
    resumes; once the model stands, it only judges it anew where the limits, or how the model is run, have changed.

    Raises:
        TlesynthError: WTS-001 if the recipe asks for LPIPS without its weights, CFG-010 if ``out`` was made with other
            settings or from other scans or splits, OPS-010 if another process trains there, DATA and NII codes for
            missing or unfitting input, NUM-001 if a loss is not finite, OPS-075 after a stop request.
    """
    cohort = read_cohort(derivatives)
    with RunFolder.held(out, _settings_of(settings, cohort, splits, seed, precision)) as run:
        if run.finished:
            pass_gate_again(out, cohort, splits, settings.gate, seed=seed, device=device, inference=inference)
            return
        fabric = fabric_for(device, precision)
        network, facts = _train(run, fabric, cohort, splits, settings, seed)
        gate = pass_gate(out, network, cohort, splits, settings.gate, seed=seed, inference=inference)
        save_autoencoder(out / "model", network, facts, gate)
        run.finish(facts)


def _train(
    run: RunFolder, fabric: Fabric, cohort: Cohort, splits: Path, settings: recipe.Autoencoder, seed: int
) -> tuple[Autoencoder, dict[str, Any]]:
    """The network of the best validation, its latents scaled, and what its config and card tell of the training."""
    objective = objective_of(settings, cohort.grid, fabric.device)
    fitted, held_out = (read_scans(cohort, splits, split) for split in (FITTED, JUDGED))
    networks = build_networks(settings, fitted, cohort.grid, fabric, seed)
    fitted, held_out = (scans.held_by(fabric.device) for scans in (fitted, held_out))
    learners = learners_of(networks, fitted, objective, settings, seed)
    epoch = steps_per_epoch(settings, len(fitted))
    rhythm = rhythm_of(settings, epoch)
    run.keeping = Keeping(settings.checkpoints_kept, settings.milestone_every * rhythm.checkpoint_every)
    position = train(
        run,
        fabric,
        learners,
        segments_of(settings, epoch),
        validate=validation_of(networks, learners, held_out, objective, fabric, seed),
        rhythm=rhythm,
        label="training the autoencoder",
    )
    network = networks.result
    fit_latents(network, fitted, fabric.device)
    return network, _training_facts(run, position, settings, len(fitted), len(held_out), objective.perceptual_name)


def rhythm_of(settings: recipe.Autoencoder, epoch: int) -> Rhythm:
    """When a run with ``epoch`` steps an epoch is validated and saved, and which checkpoint becomes the model."""
    return Rhythm(
        every(settings.validate_every, epoch),
        every(settings.checkpoint_every, epoch),
        {name: figure for figure, name in CHECKPOINT_OF.items()},
        CHECKPOINT_OF[settings.select],
        Limits(settings.refused_in_a_row, settings.refused_in_all),
    )


def fit_latents(network: Autoencoder, scans: Scans, device: torch.device) -> None:
    """Give ``network`` the mean and scale by which the latents of ``scans`` have mean 0 and deviation 1 per channel.

    Raises:
        TlesynthError: NUM-001 if a channel never changes, OPS-075 after a stop request.
    """
    mean, scale = latent_statistics(network, scans, device)
    network.latent_mean.copy_(mean)
    network.latent_scale.copy_(scale)


@torch.no_grad()
def latent_statistics(network: Autoencoder, scans: Scans, device: torch.device) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (C,) of the posterior mean per channel, over every voxel of every scan.

    Raises:
        TlesynthError: NUM-001 if a channel never changes: nothing could be normalised by it; OPS-075 after a stop
            request.
    """
    total = torch.zeros(2, network.settings.latent_channels, dtype=torch.float64)
    count = 0
    for row in track(range(len(scans)), "scaling the latents", len(scans)):
        interruption.check()
        mean, _ = network.encode(scans.batch(np.array([row]), device))  # (1, C, x, y, z)
        values = mean[0].flatten(1).cpu().double()  # (C, x*y*z)
        total += torch.stack([values.sum(1), values.square().sum(1)])
        count += values.shape[1]
    mean = total[0] / count
    scale = (total[1] / count - mean.square()).clamp_min(0).sqrt()
    if not bool((scale > 0).all()):
        raise fail("NUM-001", "latent statistics", f"standard deviations are {scale.tolist()}")
    return mean.float(), scale.float()


def _settings_of(
    settings: recipe.Autoencoder, cohort: Cohort, splits: Path, seed: int, precision: str
) -> dict[str, Any]:
    """What determines the run: a folder made with anything else is refused."""
    return {
        "autoencoder": settings.model_dump(mode="json", exclude=set(FREE)),
        "grid": cohort.grid.fingerprint,
        "seed": seed,
        "precision": precision,
    } | origin_of(cohort, splits)


def _training_facts(
    run: RunFolder, position: Position, settings: recipe.Autoencoder, fitted: int, held_out: int, perceptual: str
) -> dict[str, Any]:
    """What the model's config and card tell of its training."""
    chosen = CHECKPOINT_OF[settings.select]
    best = position.best[chosen]
    return {
        "scans": fitted,
        "validation_scans": held_out,
        "steps": position.step,
        "best_step": best.step,
        "phase": best.phase,
        "selected_by": settings.select,
        "best": {figure: vars(position.best[name]) for figure, name in CHECKPOINT_OF.items()},
        "schedule": settings.adversarial_phase.schedule if settings.adversarial_phase.rounds else "none",
        "adversarial_loss": settings.adversarial_phase.loss,
        "ema_decay": settings.ema_decay,
        "perceptual": perceptual,
        "validation": run.load(chosen).state["figures"],
        "turns": position.turns,
    }
