"""Learners of the diffusion transformer as the product builds them, on latents that are made up."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from denoisers import CONDITIONS, RECOMMENDED, Size, plain_attention
from lightning_fabric import Fabric
from machine import bfloat16_is_native
from products import fast_float32
from sides import seeded

from tlesynth import recipe
from tlesynth.diffusion.latents import Latents
from tlesynth.diffusion.learning import Task, training_loss
from tlesynth.diffusion.process import process_of
from tlesynth.diffusion.transformer import DiT3D
from tlesynth.recipe import DiffusionNetwork
from tlesynth.training import Ema, Learner, fabric_for
from tlesynth.training.optimizers import optimizer_of
from tlesynth.training.step import take_step

RATE = 1e-4
FACTORS = 6
"""Ways in which made-up scans differ."""


class Step:
    """A network and the product's step: draw, noise, predict, backward, clip, Adam, average."""

    def __init__(self, size: Size, how: str, batch: int, network: DiffusionNetwork | None = None) -> None:
        """``how`` is a key of ``HOW``."""
        precision, fused, self.around = HOW[how]
        self.fabric = fabric_for("cpu", precision if bfloat16_is_native() else "32-true")
        settings = recipe.Diffusion(network=network or size.network, noise=RECOMMENDED.noise, batch_size=batch)
        built = seeded(lambda: DiT3D(settings.network, size.latent, (6.0, 6.0, 6.0), CONDITIONS))
        optimizer: torch.optim.Optimizer = (
            optimizer_of(built, "adam", RATE, 0.0) if fused else torch.optim.Adam(built.parameters(), lr=RATE)
        )
        self.learner = learner_of(built, optimizer, made_up(size, 2 * batch), settings, self.fabric)

    def __call__(self) -> float:
        """One step; its loss."""
        with self.around():
            return take_step(self.fabric, self.learner).figures["loss"]


def learner_of(
    network: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    data: Latents,
    settings: recipe.Diffusion,
    fabric: Fabric,
    task: Task | None = None,
) -> Learner:
    """The learner that the product's training walks with, at a constant rate."""
    task = task or Task(process_of(settings.noise), CONDITIONS, 0)
    network, optimizer = fabric.setup(network, optimizer)
    loss = training_loss(network, data, task, settings, fabric)
    return Learner(network, optimizer, loss, ema=Ema(network.module, settings.ema_decay), clip=settings.gradient_clip)


def made_up(size: Size, n: int) -> Latents:
    """``n`` latents of unit spread that differ in a few smooth ways, of both groups and sides."""
    draws = torch.Generator().manual_seed(4)
    coarse = torch.randn(FACTORS, size.latent[0], 3, 3, 3, generator=draws)
    ways = torch.nn.functional.interpolate(coarse, size.latent[1:], mode="trilinear")
    values = torch.tensordot(torch.randn(n, FACTORS, generator=draws), ways, 1)
    values = values / values.std() + 0.1 * torch.randn(values.shape, generator=draws)
    rows = [{"group": "hc"}, {"group": "tle", "side": "left"}, {"group": "tle", "side": "right"}]
    told = CONDITIONS.asked([rows[i % len(rows)] for i in range(n)], "benchmark")
    return Latents(values.half(), told, tuple(f"sub-{i}" for i in range(n)))


@contextmanager
def _as_it_comes() -> Generator[None]:
    yield


HOW: dict[str, tuple[str, bool, Callable[[], AbstractContextManager[Any]]]] = {
    "ours": ("bf16-mixed", True, _as_it_comes),
    "onednn fp32": ("32-true", True, fast_float32),
    "plain fp32": ("32-true", False, plain_attention),
    "plain bf16 autocast": ("bf16-mixed", False, plain_attention),
}
"""Precision, whether Adam is fused, and what is in force: ours attends in chunks in bfloat16; plain is torch as it
comes."""
