"""A variant of the recipe learns from real latents while its core-seconds are counted: the product's pieces in turn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from learning import learner_of
from lightning_fabric import Fabric
from machine import tell
from scores import held_out_errors
from stopwatch import Stopwatch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from tlesynth import recipe
from tlesynth.diffusion.conditions import Conditions, conditions_of
from tlesynth.diffusion.latents import Latents, read_about, read_latents, rows_of
from tlesynth.diffusion.learning import Task, validation
from tlesynth.diffusion.model import build_network, noised_for
from tlesynth.diffusion.preconditioning import Preconditioned
from tlesynth.diffusion.process import Process, process_of
from tlesynth.seeds import seed_of
from tlesynth.training.optimizers import optimizer_of
from tlesynth.training.step import take_step
from tlesynth.volume import GRIDS, Grid

WARM_UP = 20
"""Steps of linear warm-up; then the rate is constant, so that a curve may be read at any point."""
SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1)
"""Of the budget, at which the average of the weights is judged."""


@dataclass(frozen=True)
class Material:
    """What every variant learns from and is judged by."""

    about: dict[str, Any]
    rows: pd.DataFrame
    conditions: Conditions
    fitted: Latents
    held_out: Latents

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(C, x, y, z)."""
        c, x, y, z = self.about["shape"]
        return (c, x, y, z)

    @property
    def grid(self) -> Grid:
        """That of the volumes."""
        return GRIDS[self.about["grid"]]


def read(latents: Path, splits: Path, settings: recipe.Diffusion) -> Material:
    """The latents of gen_train and val, their conditions as ``settings`` declare them."""
    rows, unseen = (rows_of(latents, splits, split) for split in ("gen_train", "val"))
    conditions = conditions_of(settings.conditions, rows, settings.unconditional, latents.name)
    fitted = read_latents(latents, rows, conditions, flip=settings.flip)
    return Material(read_about(latents), rows, conditions, fitted, read_latents(latents, unseen, conditions))


def taught(
    settings: recipe.Diffusion, material: Material, budget: float, fabric: Fabric, seed: int
) -> tuple[nn.Module, list[dict[str, Any]]]:
    """The average of the weights after ``budget`` core-seconds of training, and the curve on the way there."""
    watch, marks, points, step = Stopwatch(fabric.device), [share * budget for share in SHARES], [], 0
    watch.start()
    network, process = new(settings, material, seed)
    task = Task(process, material.conditions, seed)
    optimizer = optimizer_of(network, settings.optimizer, settings.learning_rate, settings.weight_decay)
    learner = learner_of(network, optimizer, material.fitted.to(fabric.device), settings, fabric, task)
    learner.schedule = LambdaLR(optimizer, lambda step: min((step + 1) / WARM_UP, 1.0))
    assert learner.ema is not None
    held_out = material.held_out.to(fabric.device)
    own = validation(learner.ema.network, held_out, material.fitted.to(fabric.device), task, fabric)
    while marks:
        taken = take_step(fabric, learner)
        watch.stop()
        step += 1
        if watch.seconds >= marks[0] or taken.fault:
            marks = [] if taken.fault else [mark for mark in marks if mark > watch.seconds]
            point = {"step": step, "core_seconds": round(watch.seconds, 2), "loss": taken.figures["loss"]}
            point |= {"refused": taken.fault} if taken.fault else _judged(learner.ema.network, material, task, fabric)
            points.append(point | ({} if taken.fault else {f"val_{name}": value for name, value in own().items()}))
            tell(
                "  "
                + "  ".join(f"{name} {value:.4g}" for name, value in point.items() if isinstance(value, int | float))
            )
        watch.start()
    return learner.ema.network, points


def new(settings: recipe.Diffusion, material: Material, seed: int) -> tuple[nn.Module, Process]:
    """The network of ``settings`` as the product starts it, and its noise."""
    extent = tuple(n * material.grid.spacing for n in material.grid.shape)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, "diffusion", "initialisation"))
        process = noised_for(settings.network, process_of(settings.noise), material.shape, extent)
        network = build_network(settings.network, process, material.conditions, material.shape, extent)
    if isinstance(network, Preconditioned):
        network.measure_on(material.fitted)
    return network, process


def _judged(network: nn.Module, material: Material, task: Task, fabric: Fabric) -> dict[str, float]:
    def guess(z: torch.Tensor, times: torch.Tensor, told: torch.Tensor) -> torch.Tensor:
        with fabric.autocast():
            predicted = network(z, times, told)
        return task.process.clean_of(z, predicted.float(), times)

    found = held_out_errors(guess, task.process, material.held_out, task.seed)
    return {"clean_mse": found["clean_mse"], "velocity_mse": found["velocity_mse"]}
