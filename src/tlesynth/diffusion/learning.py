"""What a training step and a validation of the diffusion model compute (paper, equation 7).

Both draw with generators keyed by the step or the scan, for the whole batch, so that resuming, or sharing a batch out
over processes, changes no draw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from tlesynth import recipe
from tlesynth.diffusion.conditions import Conditions
from tlesynth.diffusion.latents import Latents
from tlesynth.diffusion.process import Process, squared_error
from tlesynth.seeds import torch_generator
from tlesynth.training import Loss, Order
from tlesynth.training.ahead import Ahead, threads_beside

VALIDATION_TIMES = 8
"""Noise times, evenly spread, at which each validation scan is scored."""


@dataclass(frozen=True)
class Chance:
    """All that is drawn for a step, on the processor."""

    rows: Tensor
    """(B,): whose latents."""
    posterior: Tensor | None
    """(B, C, X, Y, Z) standard normal, where latents are resampled."""
    times: Tensor
    """(B,)"""
    white: Tensor
    """(B, C, X, Y, Z) standard normal."""
    told: Tensor
    """Conditions (B, K), some withheld."""


@dataclass(frozen=True)
class Task:
    """What is learnt: the noise process, the conditions, and the seed of every draw."""

    process: Process
    conditions: Conditions
    seed: int


def training_loss(network: nn.Module, data: Latents, task: Task, settings: recipe.Diffusion, fabric: Fabric) -> Loss:
    """The loss of a step on this process's share of the batch, each draw keyed by the step."""
    rows_of_all = balanced_rows(data.conditions[:, 0].cpu()) if settings.balanced else np.arange(len(data))
    order = Order(len(rows_of_all), settings.batch_size, task.seed, "diffusion")
    rank, world, device = fabric.global_rank, fabric.world_size, data.values.device
    draw = partial(_chance, data, data.conditions.cpu(), task, order, rows_of_all)
    chances = Ahead(draw, threads_beside(device))

    def loss(step: int) -> Iterator[dict[str, Tensor]]:
        chance = chances(step)
        rows = chance.rows
        clean = data.resampled(rows, chance.posterior)  # (B, C, X, Y, Z)
        times, white, told = (t.to(device) for t in (chance.times, chance.white, chance.told))
        mine = slice(rank, None, world) if rank < len(rows) else slice(1)
        # The mean over processes is then the mean over the batch; a process the last batch is too short for adds 0.
        share = len(rows[rank::world]) * world / len(rows)
        clean, noise, times = clean[mine], task.process.noise(white[mine]), times[mine]
        predicted = network(task.process.noisy(clean, noise, times), times, told[mine])
        yield {"loss": squared_error(predicted, task.process.target(clean, noise, times)).mean() * share}

    return loss


def _chance(data: Latents, conditions: Tensor, task: Task, order: Order, rows_of_all: np.ndarray, step: int) -> Chance:
    """What is drawn for ``step``; ``conditions`` (N, K) on the processor."""
    rows = torch.from_numpy(rows_of_all[order.batch(step)])
    posterior = data.noise(len(rows), torch_generator(task.seed, "diffusion", "posterior", step))
    draws = torch_generator(task.seed, "diffusion", "draws", step)
    times = task.process.draw(len(rows), draws)
    white = torch.randn(len(rows), *data.values.shape[1:], generator=draws)
    return Chance(rows, posterior, times, white, task.conditions.dropped(conditions[rows], draws))


def balanced_rows(values: Tensor) -> np.ndarray:
    """Rows in which every value of ``values`` (N,) comes about equally often: those of rare ones are repeated."""
    groups = [torch.nonzero(values == value).flatten().numpy() for value in values[~values.isnan()].unique()]
    groups += [unknown] if len(unknown := torch.nonzero(values.isnan()).flatten().numpy()) else []
    most = max(len(group) for group in groups)
    return np.sort(np.concatenate([np.resize(group, max(most, len(group))) for group in groups]))


def validation(
    network: nn.Module, held_out: Latents, fitted: Latents, task: Task, fabric: Fabric
) -> Callable[[], dict[str, float]]:
    """The error on held-out scans, each with its own fixed noise at fixed times: ``score`` is the mean over scans.

    ``seen`` is the same on as many training scans and ``gap`` how far the held-out error lies above it: it grows while
    a network learns its training scans by heart.
    """
    named = [item for item in task.conditions.items if not item.quantity][:1]

    @torch.no_grad()
    def validate() -> dict[str, float]:
        each = errors_of(network, held_out, task, fabric)
        seen = errors_of(network, fitted.head(len(held_out)), task, fabric)
        figures = {"score": float(each.mean()), "seen": float(seen.mean())}
        figures["gap"] = figures["score"] / figures["seen"] - 1
        for item in named:
            column = held_out.conditions[:, task.conditions.names.index(item.name)].cpu()
            for index, value in enumerate(item.values):
                if (mine := column == index).any():
                    figures[value] = float(each[mine].mean())
        return figures

    return validate


@torch.no_grad()
def errors_of(network: nn.Module, data: Latents, task: Task, fabric: Fabric) -> Tensor:
    """Squared error (N,) of each scan over fixed times, with noise keyed by its name."""
    times = task.process.moments(VALIDATION_TIMES).to(data.values.device)
    errors = []
    for i, name in enumerate(data.ids):
        posterior = torch_generator(task.seed, "diffusion", "validation posterior", name)
        clean = data.batch(torch.tensor([i]), posterior).expand(VALIDATION_TIMES, *data.values.shape[1:])
        draws = torch_generator(task.seed, "diffusion", "validation", name)
        noise = task.process.noise(torch.randn(clean.shape, generator=draws).to(clean.device))
        noisy, told = task.process.noisy(clean, noise, times), data.conditions[i].expand(VALIDATION_TIMES, -1)
        with fabric.autocast():
            predicted = network(noisy, times, told)
        errors.append(squared_error(predicted, task.process.target(clean, noise, times)).mean())
    return torch.stack(errors).cpu()
