"""Training of the latent diffusion model (paper, section 5.2): noise a latent, predict it, average the weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from lightning_fabric import Fabric
from torch import Tensor, nn

from tlesynth import recipe
from tlesynth.data.splits import digest_of
from tlesynth.diffusion.admission import admit
from tlesynth.diffusion.baseline import Corrected
from tlesynth.diffusion.conditioning import Classes, classes_of
from tlesynth.diffusion.latents import NAME, Latents, read_about, read_latents
from tlesynth.diffusion.model import build_network, save_diffusion
from tlesynth.diffusion.objective import add_noise, posterior_floor, schedule_of, squared_error, target_of
from tlesynth.errors import fail
from tlesynth.progress import say
from tlesynth.run_folder import RunFolder
from tlesynth.seeds import seed_of, torch_generator
from tlesynth.training import Ema, Learner, Loss, Order, Position, Rhythm, Segment, fabric_for, train
from tlesynth.volume import GRIDS

VALIDATION_TIMES = 8
"""Moments of the noise schedule, evenly spread, at which each validation scan is scored."""


def train_diffusion(
    latents: Path, splits: Path, out: Path, settings: recipe.Diffusion, *, seed: int, device: str, precision: str
) -> None:
    """Train on the ``gen_train`` latents, keep the average weights that are best on ``val``, publish ``out/model``.

    The same command resumes, and does nothing once the model stands.

    Raises:
        TlesynthError: MOD-005 if the latents' autoencoder failed its quality gate, CFG-003 if the patch does not divide
            the latent, CFG-010 if ``out`` was made with other settings, DATA codes for missing or unfitting input,
            NUM-001 if the loss is not finite, OPS-075 after a stop request.
    """
    about = read_about(latents)
    gate = admit(about, latents, accept_failed_gate=settings.accept_failed_gate)
    run = RunFolder.open(out, _settings_of(settings, about, splits, seed, precision))
    if run.finished:
        return
    classes, schedule = classes_of(settings.network.classes), schedule_of(settings.noise)
    resample = settings.latents == "resample"
    fitted = read_latents(latents, splits, "gen_train", classes, flip=settings.flip, resample=resample)
    held_out = read_latents(latents, splits, "val", classes, resample=resample)
    counts = _class_counts(fitted, classes)
    _check(fitted, about, latents)

    fabric = fabric_for(device, precision)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, "diffusion", "initialisation"))
        network = build_network(settings.network, schedule, about["shape"], _extent_mm(about["grid"]))
    if isinstance(network, Corrected):
        network.measure(*fitted.voxelwise())
    optimizer = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    network, optimizer = fabric.setup(network, optimizer)
    ema = Ema(network.module, settings.ema_decay)
    loss = _training_loss(network, fitted.to(fabric.device), classes, schedule, settings, seed)
    learner = Learner(network, optimizer, loss, ema=ema, clip=settings.gradient_clip)
    steps = (
        settings.steps or settings.epochs * Order(len(fitted), settings.batch_size, seed, "diffusion").steps_per_epoch
    )
    noise = _noise_facts(about, fitted, schedule)
    run.log("diffusion", class_counts=counts, parameters=_parameters(ema.network), steps=steps, gate=gate, **noise)
    position = train(
        run,
        fabric,
        {"diffusion": learner},
        [Segment("denoise", "denoise", "diffusion", steps)],
        validate=_validation(ema.network, held_out.to(fabric.device), classes, schedule, fabric, seed),
        rhythm=Rhythm(settings.validate_every, settings.checkpoint_every),
        label="training the diffusion model",
    )
    training = _training_facts(settings, steps, position)
    config = _config(settings, about, classes, ema.network) | {"class_counts": counts, "training": training | noise}
    config["gate"] = gate
    save_diffusion(out / "model", ema.network, schedule, config)
    run.finish(training)


def _training_loss(
    network: nn.Module, data: Latents, classes: Classes, schedule: DDPMScheduler, settings: recipe.Diffusion, seed: int
) -> Loss:
    """The loss of a step: equation 7 on its batch, each draw keyed by the step."""
    order, times = Order(len(data), settings.batch_size, seed, "diffusion"), settings.noise.timesteps

    def loss(step: int) -> Iterator[dict[str, Tensor]]:
        rows = torch.from_numpy(order.batch(step))
        draws = torch_generator(seed, "diffusion", "draws", step)
        clean = data.batch(rows, torch_generator(seed, "diffusion", "posterior", step))  # (B, C, X, Y, Z)
        timesteps = torch.randint(times, rows.shape, generator=draws).to(clean.device)  # (B,)
        noise = torch.randn(clean.shape, generator=draws).to(clean.device)
        labels = classes.dropped(data.labels[rows], settings.network.class_dropout, draws)  # (B,)
        predicted = network(add_noise(schedule, clean, noise, timesteps), timesteps, labels)
        yield {"loss": squared_error(predicted, target_of(schedule, clean, noise, timesteps)).mean()}

    return loss


def _validation(
    network: nn.Module, data: Latents, classes: Classes, schedule: DDPMScheduler, fabric: Fabric, seed: int
) -> Callable[[], dict[str, float]]:
    """The error on held-out scans, each with its own fixed noise at fixed moments; ``score`` is the mean over scans."""
    total = int(schedule.config["num_train_timesteps"])
    moments = [(2 * i + 1) * total // (2 * VALIDATION_TIMES) for i in range(VALIDATION_TIMES)]
    timesteps = torch.tensor(moments, device=data.values.device)

    @torch.no_grad()
    def validate() -> dict[str, float]:
        errors = []
        for i, name in enumerate(data.ids):
            posterior = torch_generator(seed, "diffusion", "validation posterior", name)
            clean = data.batch(torch.tensor([i]), posterior).expand(VALIDATION_TIMES, *data.values.shape[1:])
            draws = torch_generator(seed, "diffusion", "validation", name)
            noise = torch.randn(clean.shape, generator=draws).to(clean.device)
            noisy, labels = add_noise(schedule, clean, noise, timesteps), data.labels[i].expand(VALIDATION_TIMES)
            with fabric.autocast():
                predicted = network(noisy, timesteps, labels)
            errors.append(squared_error(predicted, target_of(schedule, clean, noise, timesteps)).mean())
        each = torch.stack(errors).cpu()
        figures = {"score": float(each.mean())}
        for index, name in enumerate(classes.names):
            if (mine := data.labels.cpu() == index).any():
                figures[name] = float(each[mine].mean())
        return figures

    return validate


def _check(data: Latents, about: dict[str, Any], folder: Path) -> None:
    """Refuse latents that are not what their description says, or not finite."""
    if list(data.values.shape[1:]) != list(about["shape"]):
        raise fail("DATA-001", folder / NAME, f"latents of {list(data.values.shape[1:])}, not {about['shape']}")
    if not bool(torch.isfinite(data.values).all()):
        raise fail("DATA-001", folder / NAME, "the latents are not finite")
    if about["grid"] not in GRIDS:
        raise fail("DATA-001", folder / "latents.json", f"no grid is called {about['grid']!r}")


def _extent_mm(grid: str) -> tuple[float, ...]:
    return tuple(n * GRIDS[grid].spacing for n in GRIDS[grid].shape)


def _noise_facts(about: dict[str, Any], data: Latents, schedule: DDPMScheduler) -> dict[str, Any]:
    """How latents are taken, the posterior's share in their variance, and the floor it puts under the loss."""
    share = about.get("posterior_noise", {}).get("share")
    if data.logvar is None:
        return {"latents": "mean", "posterior_noise": share, "loss_floor": 0.0}
    floor = posterior_floor(schedule, data.logvar.float().exp())
    say(f"latents are resampled: no network can bring the loss below {floor:.3f}")
    return {"latents": "resample", "posterior_noise": share, "loss_floor": floor}


def _class_counts(data: Latents, classes: Classes) -> dict[str, int]:
    """Training scans of each class; those of unknown side are counted under ``unknown``."""
    counts = torch.bincount(data.labels, minlength=classes.count).tolist()
    named = dict(zip(classes.names, counts, strict=False))
    return named | ({"unknown": counts[classes.null]} if counts[classes.null] else {})


def _parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def _settings_of(
    settings: recipe.Diffusion, about: dict[str, Any], splits: Path, seed: int, precision: str
) -> dict[str, Any]:
    """What determines the run: a folder made with anything else is refused."""
    return {
        "diffusion": settings.model_dump(mode="json", exclude={"accept_failed_gate"}),  # decides whether, not what
        "autoencoder": about["autoencoder"],
        "latents": [about.get("input"), about.get("index")],
        "splits": digest_of(splits, ("gen_train", "val")),
        "seed": seed,
        "precision": precision,
    }


def _training_facts(settings: recipe.Diffusion, steps: int, position: Position) -> dict[str, Any]:
    return {
        "steps": steps,
        "best_step": position.best["best"].step,
        "best_validation": position.best["best"].value,
        "batch_size": settings.batch_size,
        "learning_rate": settings.learning_rate,
        "flip": settings.flip,
    }


def _config(settings: recipe.Diffusion, about: dict[str, Any], classes: Classes, network: nn.Module) -> dict[str, Any]:
    return {
        "network": settings.network.model_dump(mode="json"),
        "classes": list(classes.names),
        "latent_shape": list(about["shape"]),
        "extent_mm": list(_extent_mm(about["grid"])),
        "grid": about["grid"],
        "autoencoder": about["autoencoder"],
        "parameters": _parameters(network),
        "baseline": "voxelwise Gaussian" if isinstance(network, Corrected) else "none",
    }
