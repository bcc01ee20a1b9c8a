"""Everyone's networks and steps on a device: ours as the product runs them, the peers as their makers do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import sides
import torch
from clock import as_it_comes
from denoisers import CONDITIONS, RECOMMENDED, Size
from learning import made_up
from sides import LATENT, Peer, random_volume, seeded
from torch import Tensor, nn

from tlesynth import recipe
from tlesynth.autoencoder.inference import FrozenCoder, frozen
from tlesynth.autoencoder.learning import losses
from tlesynth.autoencoder.learning.learners import build_networks, learners_of
from tlesynth.autoencoder.learning.objective import objective_of
from tlesynth.autoencoder.networks import COMPRESSION, Autoencoder, channels_last
from tlesynth.autoencoder.scans import Scans
from tlesynth.diffusion.learning import Task, training_loss
from tlesynth.diffusion.model import build_network, noised_for
from tlesynth.diffusion.preconditioning import Preconditioned
from tlesynth.diffusion.process import process_of
from tlesynth.recipe import Inference
from tlesynth.training import Ema, Learner, fabric_for
from tlesynth.training.optimizers import optimizer_of
from tlesynth.training.step import take_step
from tlesynth.volume import Grid

SCANS = 8
"""Made-up scans that the steps see."""


def our_coder(build: Callable[[Grid], Autoencoder], grid: Grid, precision: str, device: torch.device) -> FrozenCoder:
    """Our network as encoding and sampling run it, in ``precision`` (auto, 32-true)."""
    network = channels_last(seeded(lambda: build(grid)).to(device)).requires_grad_(False).eval()
    return frozen(network.coder, Inference.model_validate({"precision": precision}), device, COMPRESSION)


class MaisiCoder:
    """MAISI's autoencoder in its own precision, whole: a card of 80 GB needs no splits."""

    def __init__(self, autocast: torch.dtype | None, device: torch.device) -> None:
        # Its norms in float16 are its maker's choice on a GPU, and raise on a processor.
        half = device.type == "cuda" and autocast is not None
        self.network = seeded(lambda: sides.maisi(norm_float16=half, num_splits=1)).to(device).eval()
        self.autocast, self.device = autocast, device

    @torch.no_grad()
    def encode(self, x: Tensor) -> Tensor:
        """The mean (B, C, x, y, z)."""
        with self._cast(), as_it_comes():
            return self.network.encode(x)[0].float()

    @torch.no_grad()
    def decode(self, latent: Tensor) -> Tensor:
        """Volumes (B, 1, X, Y, Z)."""
        with self._cast(), as_it_comes():
            return self.network.decode(latent).float()

    def _cast(self) -> torch.autocast:
        return torch.autocast(self.device.type, self.autocast or torch.bfloat16, enabled=self.autocast is not None)


def plain_step(network: nn.Module, x: Tensor) -> Callable[[], None]:
    """Forward, L1 and KL, backward and fused Adam on volumes ``x`` (B, 1, X, Y, Z), in bfloat16 autocast."""
    network, device = network.train(), x.device
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4, fused=True)
    noise = torch.randn(len(x), LATENT, *(n // COMPRESSION for n in x.shape[2:]), device=device)

    def step() -> None:
        with as_it_comes():
            with torch.autocast(device.type, torch.bfloat16):
                made = network(x, noise)
            loss = losses.l1(x, made.x_hat) + 1e-6 * losses.kl(made.mean, made.logvar)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()

    return step


def maisi_autoencoder(device: torch.device) -> Peer:
    """MAISI's autoencoder to be trained."""
    return seeded(lambda: sides.maisi(num_splits=1)).to(device)


class AutoencoderStep:
    """A step of ``train autoencoder`` by ``settings`` on made-up scans: drawing, loss, backward, optimiser, average."""

    def __init__(
        self,
        settings: recipe.Autoencoder,
        grid: Grid,
        device: torch.device,
        precision: str,
        way: str = "reconstruction",
    ) -> None:
        self.fabric = fabric_for(device.type, precision)
        scans = Scans(random_volume(grid.shape, SCANS)[:, 0].half(), tuple(f"sub-{i}" for i in range(SCANS)))
        networks = build_networks(settings, scans, grid, self.fabric, 0)
        objective, scans = objective_of(settings, grid, self.fabric.device), scans.held_by(self.fabric.device)
        self.learner = learners_of(networks, scans, objective, settings, 0)[way]

    def __call__(self) -> float:
        """One step; its loss."""
        return take_step(self.fabric, self.learner).figures["loss"]


class DiffusionStep:
    """A step of ``train diffusion`` by ``settings`` on made-up latents."""

    def __init__(self, settings: recipe.Diffusion, size: Size, device: torch.device, precision: str) -> None:
        self.fabric = fabric_for(device.type, precision)
        extent = tuple(n * size.grid.spacing for n in size.grid.shape)
        process = noised_for(settings.network, process_of(settings.noise), size.latent, extent)
        data = made_up(size, 2 * settings.batch_size)
        if settings.latents == "resample":
            data = replace(data, logvar=torch.full_like(data.values, -6.0))
        built = seeded(lambda: build_network(settings.network, process, CONDITIONS, size.latent, extent))
        if isinstance(built, Preconditioned):
            built.measure_on(data)
        optimizer = optimizer_of(built, settings.optimizer, settings.learning_rate, settings.weight_decay)
        network, self.optimizer = self.fabric.setup(built, optimizer)
        self.ema, self.network, self.task = (
            Ema(network.module, settings.ema_decay),
            network,
            Task(process, CONDITIONS, 0),
        )
        loss = training_loss(network, data.to(self.fabric.device), self.task, settings, self.fabric)
        self.learner = Learner(network, self.optimizer, loss, ema=self.ema, clip=settings.gradient_clip)

    def __call__(self) -> float:
        """One step; its loss."""
        return take_step(self.fabric, self.learner).figures["loss"]


def recommended_diffusion(size: Size, **changed: Any) -> recipe.Diffusion:
    """The recipe's training at a size, without the conditions that only measured scans have."""
    return RECOMMENDED.model_copy(update={"network": size.network} | changed)


def loss_step(network: nn.Module, predict: Callable[[], Tensor]) -> Callable[[], None]:
    """Forward, mean square, backward and fused Adam of a peer's denoiser, in bfloat16 autocast."""
    optimizer = torch.optim.Adam(network.train().parameters(), lr=1e-4, fused=True)

    def step() -> None:
        device = next(network.parameters()).device
        with as_it_comes():
            with torch.autocast(device.type, torch.bfloat16):
                predicted = predict()
            optimizer.zero_grad(set_to_none=True)
            predicted.float().square().mean().backward()
            optimizer.step()

    return step
