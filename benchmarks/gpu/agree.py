"""Whether the product computes on the card what it computes on the processor, and the same bits each time."""

from __future__ import annotations

import argparse
import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sides
import torch
from clock import Figures, arguments, placed
from denoisers import CONDITIONS, SIZES, Size, conditions, dit, noise, wake
from generators import extent_of, generators, subjects, synthesizer
from learning import made_up
from networks import AutoencoderStep, DiffusionStep, our_coder, recommended_diffusion
from sides import random_volume, seeded
from torch import Tensor, nn

from tlesynth import recipe
from tlesynth.autoencoder.coders.monai import MonaiCoder
from tlesynth.autoencoder.inference import frozen
from tlesynth.autoencoder.learning import losses
from tlesynth.autoencoder.networks import COMPRESSION
from tlesynth.diffusion.copying import CopyWatch
from tlesynth.diffusion.inversion import invert_latents
from tlesynth.diffusion.model import build_network, noised_for
from tlesynth.diffusion.preconditioning import Preconditioned
from tlesynth.diffusion.process import process_of
from tlesynth.diffusion.sampling import Plan, sample_latents
from tlesynth.diffusion.solvers import DIFFUSION, FLOW
from tlesynth.recipe import DiffusionNetwork, Inference, Noise
from tlesynth.training import fabric_for
from tlesynth.training.augmentation import boxes, moved, recoloured
from tlesynth.training.checkpointing import tensors_of

__all__ = ["ABOUT", "arguments", "run"]

ABOUT = "the product's parts on the device against the processor in float32, and training's bits from run to run"
MOST_EXACT, MOST_HALF = 5e-3, 5e-2
"""Greatest relative difference of float32, whose convolutions CUDA rounds to TF32, and of bfloat16."""
STEPS = 4
"""Of training."""
CPU = torch.device("cpu")


def run(given: argparse.Namespace, out: Path) -> None:
    """Try every part on both devices; the networks are small whatever ``--size`` says."""
    device, size = placed(given), SIZES["tiny"]
    fabric_for(device.type, "32-true")
    figures = Figures("agree", out, unit="relative difference in the 2-norm, device against processor")
    for section in (_coders, _denoisers, _samplers, _losses, _draws, _training):
        section(figures, size, device)
    figures.found["differ"] = [f"{s}: {n}" for s, n, entry in _entries(figures.found) if entry.get("met") is False]
    figures.finish()


def _entries(found: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(s, n, entry) for s, rows in found.items() if isinstance(rows, dict) for n, entry in rows.items()]


def _apart(found: Tensor, exact: Tensor, most: float = MOST_EXACT) -> dict[str, Any]:
    difference = float((found.cpu().double() - exact.double()).norm() / exact.double().norm().clamp_min(1e-12))
    return {"relative": float(f"{difference:.3g}"), "most": most, "met": difference <= most}


def _coders(figures: Figures, size: Size, device: torch.device) -> None:
    x, z = random_volume(size.volume), noise(size)
    for name, build in (("recommended", sides.recommended), ("paper", sides.paper)):
        exact = our_coder(build, size.grid, "32-true", CPU)
        want = exact.encode(x)[0], exact.decode(z)
        for precision, most in (("32-true", MOST_EXACT), ("auto", MOST_HALF)):

            def both(build: Any = build, precision: str = precision, most: float = most, want: Any = want) -> dict:
                coder = our_coder(build, size.grid, precision, device)
                here = coder.encode(x.to(device))[0], coder.decode(z.to(device))
                return max(
                    (_apart(a, b, most) for a, b in zip(here, want, strict=True)), key=lambda one: one["relative"]
                )

            figures.add("coders", f"{name}, {precision}", both)

    def tiled() -> dict[str, Any]:
        network = seeded(lambda: sides.recommended(size.grid)).requires_grad_(False)
        how = Inference(tile=(8, 4, 4), overlap=2)
        made = [frozen(copy.deepcopy(network.coder).to(d), how, d, COMPRESSION).decode(z.to(d)) for d in (device, CPU)]
        return _apart(*made)

    figures.add("coders", "tiles", tiled)
    for upsampling in ("nearest", "trilinear"):
        figures.add("coders", f"gradient, {upsampling}", lambda up=upsampling: _gradient_of_coder(up, x, device))


def _gradient_of_coder(upsampling: Any, x: Tensor, device: torch.device) -> dict[str, Any]:
    settings = recipe.AutoencoderNetwork(channels=(8, 8, 8), norm_groups=4, upsampling=upsampling)
    coder = seeded(lambda: MonaiCoder(settings, -6.0))
    made = []
    for place in (device, CPU):
        here = copy.deepcopy(coder).to(place)
        here.decode(here.encode(x.to(place))[0]).square().mean().backward()
        made.append(torch.cat([p.grad.flatten() for p in here.parameters() if p.grad is not None]))
    return _apart(*made)


def _denoisers(figures: Figures, size: Size, device: torch.device) -> None:
    ways: dict[str, dict[str, Any]] = {
        "adaln": {},
        "token": {"conditioning": "token"},
        "both, plain queries": {"conditioning": "both", "qk_norm": False},
        "shifted windows": {"windows": recipe.diffusion.Windows(size=(2, 1, 1), blocks=(0, 1), shifted=True)},
    }
    z, told = noise(size, 2), torch.cat([conditions(1), CONDITIONS.null(1)])
    for name, changed in ways.items():
        settings = DiffusionNetwork.model_validate(
            size.network.model_copy(update={"baseline": "none"} | changed).model_dump()
        )

        def both(settings: DiffusionNetwork = settings) -> dict[str, Any]:
            network = dit(size, settings)
            made = [
                copy.deepcopy(network).to(d)(z.to(d), torch.tensor([20.0, 700.0], device=d), told.to(d)).detach()
                for d in (device, CPU)
            ]
            return _apart(*made)

        figures.add("denoisers", name, both)
    for baseline in ("voxelwise", "conditional", "textured"):
        figures.add("denoisers", f"baseline {baseline}", lambda b=baseline: _baseline(b, size, device))


def _baseline(baseline: Any, size: Size, device: torch.device) -> dict[str, Any]:
    z, told, times = noise(size, 2), conditions(2), torch.tensor([20.0, 700.0])
    made = []
    for place in (device, CPU):
        network, process = _preconditioned(baseline, size)
        network.to(place)
        clean, eps = made_up(size, 2).values.float().to(place), process.noise(z.to(place))
        noisy = process.noisy(clean, eps, times.to(place))
        made.append(network(noisy, times.to(place), told.to(place)).detach())
    return _apart(*made)


def _preconditioned(baseline: Any, size: Size) -> tuple[nn.Module, Any]:
    settings = size.network.model_copy(update={"baseline": baseline})
    extent = extent_of(size.grid)
    process = noised_for(settings, process_of(Noise(process="flow")), size.latent, extent)
    network = seeded(lambda: build_network(settings, process, CONDITIONS, size.latent, extent))
    wake(network)
    assert isinstance(network, Preconditioned)
    network.measure_on(made_up(size, 12))
    return network.eval(), process


def _samplers(figures: Figures, size: Size, device: torch.device) -> None:
    for kind, known in (("flow", FLOW), ("diffusion", DIFFUSION)):
        for sampler in known:
            measure = lambda kind=kind, sampler=sampler: _sampled(kind, sampler, size, device)  # noqa: E731
            figures.add("samplers", f"{kind}, {sampler}", measure)
    for kind, sampler in (("flow", "heun"), ("diffusion", "ddim")):
        measure = lambda kind=kind, sampler=sampler: _inverted(kind, sampler, size, device)  # noqa: E731
        figures.add("samplers", f"{kind}, {sampler}, backwards", measure)

    def volumes() -> dict[str, Any]:
        made = [next(synthesizer(size, 2, 1.5, d).volumes(subjects(2), 0)) for d in (device, CPU)]
        return _apart(*(torch.from_numpy(one) for one in made), MOST_HALF)

    figures.add("samplers", "whole path to a volume", volumes)


def _sampled(kind: Any, sampler: str, size: Size, device: torch.device) -> dict[str, Any]:
    plan = Plan(process_of(Noise(process=kind)), sampler, 4, 1.5, (0.1, 0.9), frames=2)
    made = []
    for place in (device, CPU):
        made.append(
            sample_latents(dit(size).to(place), conditions(3).to(place), size.latent, generators(3), plan).latents
        )
    return _apart(*made)


def _inverted(kind: Any, sampler: str, size: Size, device: torch.device) -> dict[str, Any]:
    plan, z = Plan(process_of(Noise(process=kind)), sampler, 3), 0.3 * noise(size)
    return _apart(*(invert_latents(dit(size).to(d), z.to(d), conditions(1).to(d), plan) for d in (device, CPU)))


def _losses(figures: Figures, size: Size, device: torch.device) -> None:
    x, x_hat = random_volume(size.volume, 2), random_volume(size.volume, 2).flip(0)

    def ssim() -> dict[str, Any]:
        return _apart(*(losses.ssim3d(x.to(d), x_hat.to(d))[None] for d in (device, CPU)))

    def slices() -> dict[str, Any]:
        drawn = [losses.draw_slices(x.to(d), 0.25, generators(2)) for d in (device, CPU)]
        flat = [torch.cat([one for axis in found for one in axis]).double() for found in drawn]
        return _apart(flat[0], flat[1], 0.0)

    def watched() -> dict[str, Any]:
        data = made_up(size, 8)
        figures_ = [CopyWatch(data.to(d), data.to(d)).figures(data.values.float().to(d)) for d in (device, CPU)]
        return {"device": figures_[0], "processor": figures_[1], "met": figures_[0]["copies"] == figures_[1]["copies"]}

    figures.add("losses", "ssim3d", ssim)
    figures.add("losses", "slices for LPIPS", slices)
    figures.add("losses", "copy watch", watched)


def _draws(figures: Figures, size: Size, device: torch.device) -> None:
    x = random_volume(size.volume, 3)
    varied = recipe.Augmentation(flip=True, rotation_deg=8, scale=0.05, shift_mm=4, affine_share=0.7, gain=0.1)
    varied = varied.model_copy(update={"gamma": 0.1, "bias_field": 0.2})
    ways: dict[str, Callable[[Tensor, torch.Generator], Tensor]] = {
        "moved": lambda x, g: moved(x, varied, g),
        "boxes": lambda x, g: boxes(x, varied, (16, 8, 8), g),
        "recoloured": lambda x, g: recoloured(x, varied, g),
    }
    for name, act in ways.items():
        measure = lambda act=act: _apart(*(act(x.to(d), torch.Generator().manual_seed(1)) for d in (device, CPU)))  # noqa: E731
        figures.add("draws", name, measure)


def _training(figures: Figures, size: Size, device: torch.device) -> None:
    lean = recipe.AutoencoderNetwork(design="lean", channels=(16, 32), residual_blocks=1)
    plain = recipe.AutoencoderNetwork(channels=(8, 8, 8), norm_groups=4)
    first = recipe.load("recommended").autoencoder.reconstruction.model_copy(update={"steps": 20, "batch_size": 2})
    ours = recipe.load("recommended").autoencoder.model_copy(
        update={"network": lean, "crop": (16, 16, 16), "reconstruction": first}
    )
    against = recipe.AdversarialPhase(rounds=1, schedule="joint", discriminator_channels=4, discriminator_layers=1)
    paper = recipe.Autoencoder(network=plain, perceptual="none", adversarial_phase=against)
    autoencoders = {"recommended": (ours, "reconstruction"), "paper": (paper, "reconstruction")}
    autoencoders |= {"paper, fine-tuned": (paper, "finetuning"), "paper, discriminator": (paper, "discriminator_alone")}
    for name, (settings, way) in autoencoders.items():
        build = lambda d, p, settings=settings, way=way: AutoencoderStep(settings, size.grid, d, p, way)  # noqa: E731
        _tried(figures, f"autoencoder {name}", build, device)
    flow = recommended_diffusion(size, batch_size=3)
    diffusion = recipe.Diffusion(network=size.network.model_copy(update={"baseline": "none"}), batch_size=3)
    for name, settings in {"recommended": flow, "paper": diffusion, "adamw": replace_optimizer(flow)}.items():
        build = lambda d, p, settings=settings: DiffusionStep(settings, size, d, p)  # noqa: E731
        _tried(figures, f"denoiser {name}", build, device)


def replace_optimizer(settings: recipe.Diffusion) -> recipe.Diffusion:
    """The same with AdamW and decay."""
    return settings.model_copy(update={"optimizer": "adamw", "weight_decay": 0.01})


def _tried(figures: Figures, name: str, build: Callable[[torch.device, str], Any], device: torch.device) -> None:
    def losses_agree() -> dict[str, Any]:
        both = [build(d, "32-true") for d in (device, CPU)]
        made = [torch.tensor([step() for _ in range(STEPS)]) for step in both]
        return _apart(*made) | {"losses": [round(float(v), 5) for v in made[0]]}

    def bits() -> dict[str, Any]:
        """The same steps twice, in the precision of training."""
        runs = [build(device, "auto") for _ in range(2)]
        found = [_weights(step) for step in runs]
        differ = [k for k in found[0] if not torch.equal(found[0][k], found[1][k])]
        return {"tensors": len(found[0]), "differ": differ[:3], "met": not differ}

    figures.add("training", f"{name}: losses", losses_agree)
    figures.add("training", f"{name}: same bits", bits)


def _weights(step: Any) -> dict[str, Tensor]:
    for _ in range(STEPS):
        step()
    return tensors_of({"learner": step.learner})
