"""Generators with random weights: both of our models in memory or as folders, at a size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import sides
import torch
from denoisers import ASKED, CONDITIONS, PROCESS, RECOMMENDED, Size, dit, wake
from sides import seeded
from torch import nn

from tlesynth.autoencoder.model import save_autoencoder
from tlesynth.autoencoder.networks import Autoencoder, channels_last
from tlesynth.diffusion.model import Diffusion, build_network, noised_for, save_diffusion
from tlesynth.diffusion.preconditioning import Preconditioned
from tlesynth.recipe import AutoencoderNetwork, DiffusionNetwork, Inference, Sample
from tlesynth.synthesis.requests import Subject
from tlesynth.synthesis.synthesizer import Synthesizer
from tlesynth.volume import Grid

BRIGHT = 0.5
"""Intensity of a random autoencoder's volumes, about: an empty volume would be drawn twice."""
SAMPLER = "dpm++"
CPU = torch.device("cpu")


def synthesizer(size: Size, steps: int, guidance: float, device: torch.device = CPU) -> Synthesizer:
    """Our path to a volume: the transformer and the decoder of ``recommended``, in bfloat16 where that is native."""
    autoencoder = seeded(lambda: sides.recommended(size.grid)).requires_grad_(False).eval()
    with torch.no_grad():
        autoencoder.coder.to_patch.bias.fill_(BRIGHT)
    autoencoder = channels_last(autoencoder.to(device))
    process = noised_for(RECOMMENDED.network, PROCESS, size.latent, extent_of(size.grid))
    model = Diffusion(
        network=Preconditioned(dit(size), process, size.latent, CONDITIONS).requires_grad_(False),
        process=process,
        conditions=CONDITIONS,
        latent_shape=size.latent,
        grid=size.grid.name,
        autoencoder="",
        class_counts={},
        fingerprint="",
        flip=True,
    )
    how = Inference(precision="auto")
    settings = Sample(sampler=SAMPLER, steps=steps, guidance=guidance, batch_size=1)
    return Synthesizer(autoencoder.run_as(how), model.run_as(how, device), settings, 0, device)


def subjects(n: int, name: str = "") -> list[Subject]:
    """``n`` patients; the first of them are the same whatever ``n`` is."""
    return [Subject(f"sub-syn{name}{i:04d}", ASKED) for i in range(n)]


def extent_of(grid: Grid) -> tuple[float, ...]:
    """The box that a grid covers, mm along each axis."""
    return tuple(n * grid.spacing for n in grid.shape)


def write_models(root: Path, grid: Grid, coder: AutoencoderNetwork, denoiser: DiffusionNetwork) -> None:
    """``root``/autoencoder and ``root``/diffusion as training publishes them, of random weights."""
    autoencoder = seeded(lambda: Autoencoder(coder, grid))
    with torch.no_grad():
        autoencoder.coder.to_patch.bias.fill_(BRIGHT)
    facts = {"scans": 1, "steps": 1, "best_step": 1, "validation_scans": 1, "phase": "reconstruction"}
    save_autoencoder(root / "autoencoder", autoencoder, facts | {"perceptual": "none", "validation": {"l1": 1.0}})
    extent = extent_of(grid)
    process = noised_for(denoiser, PROCESS, autoencoder.latent_shape, extent)
    network = seeded(lambda: build_network(denoiser, process, CONDITIONS, autoencoder.latent_shape, extent))
    wake(network)  # conditions that do nothing would have nothing to show
    config = {
        "network": denoiser.model_dump(mode="json"),
        "conditions": CONDITIONS.described(),
        "latent_shape": list(autoencoder.latent_shape),
        "extent_mm": list(extent),
        "grid": grid.name,
        "autoencoder": autoencoder.fingerprint,
        "parameters": _size(network),
        "class_counts": {"hc": 10, "tle-left": 5, "tle-right": 5},
        "training": {"steps": 1, "best_step": 1, "best_validation": 1.0, "flip": True},
    }
    save_diffusion(root / "diffusion", network, process, config)


def generators(n: int) -> Sequence[torch.Generator]:
    """A generator a subject."""
    return [torch.Generator().manual_seed(i) for i in range(n)]


def _size(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())
