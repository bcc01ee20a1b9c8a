"""Training of the latent diffusion model (paper, section 5.2): noise a latent, predict it, average the weights."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from lightning_fabric import Fabric
from torch import nn

from tlesynth import recipe
from tlesynth.data.splits import digest_of
from tlesynth.diffusion.admission import admit
from tlesynth.diffusion.completion import Completion, fit_completion
from tlesynth.diffusion.conditions import Conditions, conditions_of
from tlesynth.diffusion.copying import CopyWatch
from tlesynth.diffusion.latents import NAME, Latents, read_about, read_latents, rows_of
from tlesynth.diffusion.learning import Task, training_loss, validation
from tlesynth.diffusion.model import build_network, noised_for, save_diffusion
from tlesynth.diffusion.preconditioning import Preconditioned
from tlesynth.diffusion.process import process_of
from tlesynth.diffusion.sampling import Plan, sample_latents
from tlesynth.errors import fail
from tlesynth.progress import say
from tlesynth.recipe.diffusion import FREE
from tlesynth.run_folder import Keeping, RunFolder
from tlesynth.seeds import seed_of, torch_generator
from tlesynth.training import Ema, Learner, Order, Rhythm, Segment, fabric_for, train
from tlesynth.training.device import leader_first
from tlesynth.training.optimizers import cosine, optimizer_of
from tlesynth.volume import GRIDS


@dataclass(frozen=True)
class Material:
    """What a run learns from: latents and conditions of the training and the validation scans."""

    about: dict[str, Any]
    rows: pd.DataFrame
    fitted: Latents
    held_out: Latents
    task: Task
    completion: Completion | None

    def to(self, device: torch.device) -> Material:
        """The same with its latents on ``device``, for the loss, the validation and the copy watch together."""
        return replace(self, fitted=self.fitted.to(device), held_out=self.held_out.to(device))


def train_diffusion(  # noqa: PLR0913 (where to compute and how it is admitted, beside what it reads and writes)
    latents: Path,
    splits: Path,
    out: Path,
    settings: recipe.Diffusion,
    *,
    seed: int,
    device: str,
    precision: str,
    devices: int = 1,
    gate: dict[str, Any] | None = None,
    usage: recipe.Usage | None = None,
) -> None:
    """Train on the ``gen_train`` latents, keep the average weights that are best on ``val``, publish ``out/model``.

    The same command resumes, and does nothing once the model stands. With several ``devices`` each batch is shared
    out; the result is that of one, up to rounding. ``gate`` is the verdict on the latents' autoencoder where another
    counts than the latents carry. ``usage`` is how the model is to be used, which it then carries.

    Raises:
        TlesynthError: MOD-005 if the latents' autoencoder failed its quality gate, CFG-003 if the patch does not divide
            the latent, CFG-010 if ``out`` was made with other settings, OPS-010 if another process trains there,
            CFG-011 if a condition is not in the table, DATA codes for missing or unfitting input, NUM-001 if the loss
            is not finite, OPS-075 after a stop request.
    """
    about = read_about(latents)
    admitted = admit(about | ({"gate": gate} if gate else {}), latents, accept_failed_gate=settings.accept_failed_gate)
    fabric = fabric_for(device, precision, devices)
    identity = _settings_of(settings, about, splits, seed, precision)
    with ExitStack() as held:
        run = leader_first(fabric, lambda leader: held.enter_context(RunFolder.held(out, identity, leader=leader)))
        if not run.finished:
            _train(run, fabric, _read(latents, splits, about, settings, seed), settings, admitted, usage)


def _train(
    run: RunFolder,
    fabric: Fabric,
    material: Material,
    settings: recipe.Diffusion,
    gate: str,
    usage: recipe.Usage | None,
) -> None:
    """Train in ``run`` and publish the model there; ``gate`` says how the latents' autoencoder stands."""
    network = _network(settings, material)
    optimizer = optimizer_of(network, settings.optimizer, settings.learning_rate, settings.weight_decay)
    order = Order(len(material.fitted), settings.batch_size, material.task.seed, "")
    steps = settings.steps or settings.epochs * order.steps_per_epoch
    decaying = settings.decay == "cosine"
    rate = cosine(optimizer, steps, settings.warmup_steps, settings.learning_rate) if decaying else None
    network, optimizer = fabric.setup(network, optimizer)
    ema = Ema(network.module, settings.ema_decay)
    noise, counts = _noise_facts(material), class_counts(material.rows)
    material = material.to(fabric.device)
    loss = training_loss(network, material.fitted, material.task, settings, fabric)
    learner = Learner(network, optimizer, loss, schedule=rate, ema=ema, clip=settings.gradient_clip)
    run.log("diffusion", parameters=_parameters(ema.network), steps=steps, gate=gate, class_counts=counts, **noise)
    run.keeping = Keeping(settings.checkpoints_kept)
    facts = _training_facts(settings, steps) | noise
    told = _config(settings, material, ema.network) | {"class_counts": counts, "gate": gate}
    told |= {"usage": usage.model_dump(mode="json")} if usage else {}

    def publish(place: str, training: dict[str, Any]) -> None:
        if fabric.is_global_zero:
            config = told | {"training": facts | training}
            save_diffusion(run.path / place, ema.network, material.task.process, config)

    def milestone(step: int) -> None:
        if settings.milestone_every and step % (settings.milestone_every * settings.checkpoint_every) == 0:
            publish(f"milestones/step-{step:08d}", {"steps": step, "milestone": True})

    position = train(
        run,
        fabric,
        {"diffusion": learner},
        [Segment("denoise", "denoise", "diffusion", steps)],
        validate=_judge(ema.network, material, settings, fabric),
        rhythm=Rhythm(settings.validate_every, settings.checkpoint_every, patience=settings.patience),
        label="training the diffusion model",
        at_checkpoint=milestone,
    )
    best = position.best["best"]
    training = {"steps": position.step, "best_step": best.step, "best_validation": best.value}
    publish("model", training)
    run.finish(_training_facts(settings, steps) | training)
    fabric.barrier()


def class_counts(rows: pd.DataFrame) -> dict[str, int]:
    """Scans of each group, of patients by side where it is known: hc, tle-left, tle-right, tle."""
    side = rows["side"] if "side" in rows else pd.Series("n/a", rows.index)
    known = (rows["group"] == "tle") & side.isin(["left", "right"])
    names = rows["group"].where(~known, rows["group"] + "-" + side.astype(str))
    return {str(name): int(count) for name, count in names.value_counts().sort_index().items()}


def _read(latents: Path, splits: Path, about: dict[str, Any], settings: recipe.Diffusion, seed: int) -> Material:
    rows, unseen = (rows_of(latents, splits, split) for split in ("gen_train", "val"))
    where = f"{latents.name}/index.tsv"
    conditions = conditions_of(settings.conditions, rows, settings.unconditional, where)
    resample = settings.latents == "resample"
    fitted = read_latents(latents, rows, conditions, flip=settings.flip, moved=True, resample=resample)
    held_out = read_latents(latents, unseen, conditions, resample=resample)
    _check(fitted, about, latents)
    completion = _completion(settings, conditions, rows)
    process = noised_for(settings.network, process_of(settings.noise), about["shape"], _extent_mm(about["grid"]))
    return Material(about, rows, fitted, held_out, Task(process, conditions, seed), completion)


def _completion(settings: recipe.Diffusion, conditions: Conditions, rows: pd.DataFrame) -> Completion | None:
    """How the conditions that the recipe has drawn lie in the training scans, and where they are flipped, in both
    views."""
    drawn = tuple(n for n, one in settings.conditions.items() if isinstance(one, recipe.Quantity) and one.drawn)
    if not drawn:
        return None
    told = conditions.of_scans(rows)
    both = torch.cat([told, conditions.mirrored(told)]) if settings.flip else told
    return fit_completion(both, conditions, drawn)


def _network(settings: recipe.Diffusion, material: Material) -> nn.Module:
    task, about = material.task, material.about
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(task.seed, "diffusion", "initialisation"))
        network = build_network(
            settings.network, task.process, task.conditions, about["shape"], _extent_mm(about["grid"])
        )
    if isinstance(network, Preconditioned):
        network.measure_on(material.fitted)
    return network


def _judge(
    network: nn.Module, material: Material, settings: recipe.Diffusion, fabric: Fabric
) -> Callable[[], dict[str, float]]:
    """The validation: errors on held-out scans, and now and then whether samples begin to copy training scans."""
    fitted, held_out, task = material.fitted, material.held_out, material.task
    errors = validation(network, held_out, fitted, task, fabric)
    if not settings.copy_watch.samples:
        return errors
    watch, sampled = CopyWatch(fitted, held_out), settings.copy_watch
    # Of second order: ten of Euler's steps fall short of the latents' spread, and what varies less lies nearer to all.
    plan = Plan(task.process, sampler="dpm++", steps=sampled.steps)

    def judge() -> dict[str, float]:
        told = fitted.conditions[: sampled.samples]
        noise = [torch_generator(task.seed, "diffusion", "copy watch", i) for i in range(len(told))]
        with fabric.autocast():
            samples = sample_latents(network, told, tuple(fitted.values.shape[1:]), noise, plan).latents
        return errors() | watch.figures(samples)

    return judge


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


def _noise_facts(material: Material) -> dict[str, Any]:
    """How latents are taken, the posterior's share in their variance, and the floor it puts under the loss."""
    share, data = material.about.get("posterior_noise", {}).get("share"), material.fitted
    if data.logvar is None:
        return {"latents": "mean", "posterior_noise": share, "loss_floor": 0.0}
    if material.task.process.texture is not None:  # the formula of the floor is that of white noise
        return {"latents": "resample", "posterior_noise": share, "loss_floor": None}
    floor = material.task.process.posterior_floor(data.logvar.float().exp())
    say(f"latents are resampled: no network can bring the loss below {floor:.3f}")
    return {"latents": "resample", "posterior_noise": share, "loss_floor": floor}


def _parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def _settings_of(
    settings: recipe.Diffusion, about: dict[str, Any], splits: Path, seed: int, precision: str
) -> dict[str, Any]:
    """What determines the run: a folder made with anything else is refused."""
    return {
        "diffusion": settings.model_dump(mode="json", exclude=set(FREE)),
        "autoencoder": about["autoencoder"],
        "latents": [about.get("input"), about.get("index")],
        "splits": digest_of(splits, ("gen_train", "val")),
        "seed": seed,
        "precision": precision,
    }


def _training_facts(settings: recipe.Diffusion, steps: int) -> dict[str, Any]:
    return {
        "planned_steps": steps,
        "batch_size": settings.batch_size,
        "learning_rate": settings.learning_rate,
        "flip": settings.flip,
    }


def _config(settings: recipe.Diffusion, material: Material, network: nn.Module) -> dict[str, Any]:
    about = material.about
    return {
        "network": settings.network.model_dump(mode="json"),
        "conditions": material.task.conditions.described(),
        "completion": material.completion.described() if material.completion else None,
        "latent_shape": list(about["shape"]),
        "extent_mm": list(_extent_mm(about["grid"])),
        "grid": about["grid"],
        "autoencoder": about["autoencoder"],
        "parameters": _parameters(network),
        "baseline": settings.network.baseline,
    }
