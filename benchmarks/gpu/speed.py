"""Both networks at full size on a card: coding, passes, training steps and one brain, beside MAISI's."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sides
import torch
from clock import Figures, arguments, as_it_comes, placed, timed
from denoisers import SIZES, Size, conditions, dit, maisi_call, maisi_unet, noise, padded
from generators import generators, subjects, synthesizer
from networks import (
    AutoencoderStep,
    DiffusionStep,
    MaisiCoder,
    loss_step,
    maisi_autoencoder,
    our_coder,
    plain_step,
    recommended_diffusion,
)
from sides import random_volume, seeded
from torch import Tensor

from tlesynth import recipe
from tlesynth.autoencoder.networks import channels_last
from tlesynth.diffusion.process import process_of
from tlesynth.diffusion.sampling import Plan, sample_latents
from tlesynth.recipe import Noise
from tlesynth.synthesis.background import cleaned
from tlesynth.synthesis.synthesizer import Synthesizer
from tlesynth.training import fabric_for

__all__ = ["ABOUT", "arguments", "run"]

ABOUT = "autoencoder, denoiser and one brain at full size in seconds and GiB beside MAISI's networks"
SHORT, LONG = 0.5, 1.0
"""Seconds a figure."""
WAYS = {"20 steps": (20, 1.0), "20 steps, guidance 1.5": (20, 1.5)}
TOGETHER = (1, 4, 16)
"""Subjects drawn at once."""
PAPER_STEPS, PAPER_MEASURED = 1000, 20
MAISI_STEPS, MAISI_MEASURED = 30, 3


def run(given: argparse.Namespace, out: Path) -> None:
    """Measure figure by figure, publish after each; at the end the peers' times over ours."""
    device, size = placed(given), SIZES[given.size]
    fabric_for(device.type, "32-true")  # from here on ours computes repeatably, as in the product
    about = f"volumes of {'x'.join(map(str, size.volume))}, latents of {'x'.join(map(str, size.latent))}"
    figures = Figures("speed", out, unit="seconds by CUDA events; peak GiB of all tensors", about=about)
    for section in (_coding, _autoencoder_steps, _passes, _diffusion_steps, _brains):
        section(figures, size, device)
    figures.found["ratios"] = ratios(figures.found)
    figures.finish()


def ratios(found: dict[str, Any]) -> dict[str, dict[str, float]]:
    """By section each peer's median over that of the figure called ``ours``, for as many at once."""
    made: dict[str, dict[str, float]] = {}
    for section, rows in found.items():
        if not isinstance(rows, dict):
            continue
        for name, entry in rows.items():
            ours, together = rows.get("ours" + name[name.find(", batch") :]) if ", batch" in name else None, name
            ours = ours or rows.get("ours")
            if ours and "median_s" in ours and isinstance(entry, dict) and "median_s" in entry and ours is not entry:
                made.setdefault(section, {})[together] = round(entry["median_s"] / ours["median_s"], 2)
    return made


def _coding(figures: Figures, size: Size, device: torch.device) -> None:
    x = random_volume(size.volume).to(device)
    z = noise(size).to(device)
    half = torch.float16 if device.type == "cuda" else torch.bfloat16
    coders: dict[str, Callable[[], Any]] = {
        "ours": lambda: our_coder(sides.recommended, size.grid, "auto", device),
        "ours fp32": lambda: our_coder(sides.recommended, size.grid, "32-true", device),
        "paper": lambda: our_coder(sides.paper, size.grid, "auto", device),
        "paper fp32": lambda: our_coder(sides.paper, size.grid, "32-true", device),
        "maisi fp16 autocast": lambda: MaisiCoder(half, device),
        "maisi fp32": lambda: MaisiCoder(None, device),
    }
    for name, build in coders.items():
        figures.add("encode", name, lambda build=build: timed(functools.partial(build().encode, x), device, SHORT))
        figures.add("decode", name, lambda build=build: timed(functools.partial(build().decode, z), device, SHORT))


def _autoencoder_steps(figures: Figures, size: Size, device: torch.device) -> None:
    x = random_volume(size.volume).to(device).contiguous(memory_format=torch.channels_last_3d)
    plain = random_volume(size.volume).to(device)
    networks = {
        "ours": lambda: plain_step(channels_last(seeded(lambda: sides.recommended(size.grid)).to(device)), x),
        "paper": lambda: plain_step(channels_last(seeded(lambda: sides.paper(size.grid)).to(device)), x),
        "maisi": lambda: plain_step(maisi_autoencoder(device), plain),
    }
    for name, build in networks.items():
        figures.add("autoencoder step, whole volume", name, lambda build=build: timed(build(), device, LONG))
    recommended, paper = (recipe.load(name).autoencoder for name in ("recommended", "paper"))
    paper = paper.model_copy(update={"perceptual": "none"})
    ways = {"recipe recommended": recommended, "recipe paper without LPIPS": paper}
    if size.name == "full":
        for crop, batch in ((48, 16), (64, 16), (96, 8)):
            ways[f"recommended, crop {crop}, batch {batch}"] = cropped(recommended, crop, batch)
    else:
        tiny = recommended.network.model_copy(update={"channels": (8, 16)})
        ways = {"recipe recommended": cropped(recommended, 16, 2).model_copy(update={"network": tiny})}
    for name, settings in ways.items():
        measure = lambda settings=settings: _autoencoder_step(settings, size, device)  # noqa: E731
        figures.add("autoencoder step of the product", name, measure)


def cropped(settings: recipe.Autoencoder, crop: int, batch: int) -> recipe.Autoencoder:
    """The same training on other crops and batches."""
    first = settings.reconstruction.model_copy(update={"batch_size": batch})
    return settings.model_copy(update={"crop": (crop, crop, crop), "reconstruction": first})


def _autoencoder_step(settings: recipe.Autoencoder, size: Size, device: torch.device) -> dict[str, Any]:
    step = AutoencoderStep(settings, size.grid, device, "auto")
    learner, found = step.learner, timed(step, device, LONG)
    sides_ = settings.crop or size.volume
    voxels = settings.reconstruction.batch_size * sides_[0] * sides_[1] * sides_[2]
    parts = {"optimizer": timed(learner.optimizer.step, device, SHORT / 2)}
    if learner.ema is not None:
        parts["average"] = timed(lambda: learner.ema.update(learner.network.module), device, SHORT / 2)
    return found | {"volumes_per_s": round(voxels / _voxels(size) / found["median_s"], 2)} | _medians(parts)


def _passes(figures: Figures, size: Size, device: torch.device) -> None:
    fine = recipe.load("fine").diffusion.network if size.name == "full" else size.network
    for batch in size.batches if size.name == "tiny" else TOGETHER:
        z = noise(size, batch).to(device)
        ways = {
            "ours": lambda: _ours(dit(size).bfloat16(), device),
            "ours fp32": lambda: _ours(dit(size), device),
            "ours fine": lambda: _ours(dit(size, fine).bfloat16(), device),
            "maisi fp16 autocast": lambda: _maisi(size, device, torch.float16, flash=device.type == "cuda"),
            "maisi bf16 autocast": lambda: _maisi(size, device, torch.bfloat16, flash=device.type == "cuda"),
            "maisi fp32": lambda: _maisi(size, device, None, flash=False),
        }
        for name, build in ways.items():
            measure = lambda build=build, z=z: timed(functools.partial(build(), z), device, SHORT)  # noqa: E731
            figures.add("denoiser's pass", f"{name}, batch {batch}", measure)


def _ours(network: torch.nn.Module, device: torch.device) -> Callable[[Tensor], Tensor]:
    network = network.to(device).eval().requires_grad_(False)

    @torch.no_grad()
    def call(z: Tensor) -> Tensor:
        times = torch.full((len(z),), 500.0, device=device)
        return network(z, times, conditions(len(z)).to(device))

    return call


def _maisi(
    size: Size, device: torch.device, autocast: torch.dtype | None, *, flash: bool
) -> Callable[[Tensor], Tensor]:
    network = seeded(lambda: maisi_unet(size.maisi_channels, flash=flash)).to(device).eval()
    kind = torch.bfloat16 if device.type == "cpu" else autocast

    @torch.no_grad()
    def call(z: Tensor) -> Tensor:
        with as_it_comes(), torch.autocast(device.type, kind, enabled=autocast is not None):
            x, y, z_ = z.shape[2:]
            return maisi_call(network, padded(z, size.padded))[:, :, :x, :y, :z_].float()

    return call


def _diffusion_steps(figures: Figures, size: Size, device: torch.device) -> None:
    paper = recipe.load("paper").diffusion.model_copy(update={"network": size.network})
    full = size.name == "full"
    ways = {"ours": recommended_diffusion(size)} if full else {"ours": recommended_diffusion(size, batch_size=2)}
    if full:
        ways |= {"ours, batch 64": recommended_diffusion(size, batch_size=64), "paper": _plain(paper)}
        ways["ours fine, batch 8"] = recommended_diffusion(
            size, network=recipe.load("fine").diffusion.network, batch_size=8
        )
    for name, settings in ways.items():
        measure = lambda settings=settings: _diffusion_step(settings, size, device)  # noqa: E731
        figures.add("denoiser's step", name, measure)
    for batch in (16, 4) if full else (2,):
        figures.add("denoiser's step", f"maisi, batch {batch}", lambda batch=batch: _maisi_step(size, batch, device))


def _plain(settings: recipe.Diffusion) -> recipe.Diffusion:
    """The paper's own network, not that of the benchmark's size."""
    return settings.model_copy(update={"network": recipe.load("paper").diffusion.network})


def _diffusion_step(settings: recipe.Diffusion, size: Size, device: torch.device) -> dict[str, Any]:
    step = DiffusionStep(settings, size, device, "auto")
    found = timed(step, device, LONG)
    white = (settings.batch_size, *size.latent)
    parts = {
        "optimizer": timed(step.optimizer.step, device, SHORT / 2),
        "average": timed(lambda: step.ema.update(step.network.module), device, SHORT / 2),
        "drawing noise": timed(lambda: torch.randn(white).to(device), device, SHORT / 2),
    }
    return found | {"batch": settings.batch_size} | _medians(parts)


def _maisi_step(size: Size, batch: int, device: torch.device) -> dict[str, Any]:
    network = seeded(lambda: maisi_unet(size.maisi_channels, flash=device.type == "cuda")).to(device)
    z = padded(noise(size, batch).to(device), size.padded)
    return timed(loss_step(network, lambda: maisi_call(network, z)), device, LONG) | {"batch": batch}


def _brains(figures: Figures, size: Size, device: torch.device) -> None:
    for way, (steps, guidance) in WAYS.items():
        for batch in TOGETHER if size.name == "full" else (1, 2):
            models = lambda steps=steps, guidance=guidance: synthesizer(size, steps, guidance, device)  # noqa: E731
            measure = lambda models=models, batch=batch: _drawn(models(), batch, device)  # noqa: E731
            figures.add("a brain", f"ours, {way}, {batch} at once", measure)
    models = synthesizer(size, 1, 1.0, device)
    latent = noise(size)[0].to(device)
    figures.add("a brain", "ours, of which decoding", lambda: timed(lambda: models.decode(latent), device, SHORT))
    volume = models.decode(latent)
    figures.add("a brain", "ours, of which cleaning", lambda: timed(lambda: cleaned(volume), device, SHORT))
    figures.add("a brain", "paper", lambda: _paper(size, device))
    figures.add("a brain", "maisi", lambda: _maisi_brain(size, device))


def _drawn(models: Synthesizer, batch: int, device: torch.device) -> dict[str, Any]:
    """Seconds a volume, drawn ``batch`` at a time: noise, steps, decoder, cleaning; no file is written."""
    some = subjects(batch)
    found = timed(lambda: [cleaned(volume) for volume in models.volumes(some, 0)], device, LONG)
    return {name: value / batch if name.endswith("_s") else value for name, value in found.items()}


def _paper(size: Size, device: torch.device) -> dict[str, Any]:
    """DDPM by the recipe ``paper``: some of its steps, scaled to all, and its decoder, both in float32."""
    network, plan = dit(size).to(device), Plan(process_of(Noise()), sampler="ddpm", steps=PAPER_MEASURED)
    told = conditions(1).to(device)
    draw = timed(lambda: sample_latents(network, told, size.latent, generators(1), plan), device, LONG)
    coder, z = our_coder(sides.paper, size.grid, "32-true", device), noise(size).to(device)
    return _scaled(draw, PAPER_STEPS / PAPER_MEASURED, timed(lambda: coder.decode(z), device, SHORT))


def _maisi_brain(size: Size, device: torch.device) -> dict[str, Any]:
    """MAISI's rectified flow: some of its Euler steps, scaled to all, and its decoder, under autocast."""
    half = torch.float16 if device.type == "cuda" else torch.bfloat16
    call = _maisi(size, device, torch.bfloat16, flash=device.type == "cuda")
    start, coder = noise(size).to(device), MaisiCoder(half, device)

    def euler() -> None:
        z = start
        for _ in range(MAISI_MEASURED):
            z = z - call(z) / MAISI_STEPS

    draw, decode = timed(euler, device, LONG), timed(lambda: coder.decode(start), device, SHORT)
    return _scaled(draw, MAISI_STEPS / MAISI_MEASURED, decode)


def _scaled(draw: dict[str, Any], times: float, decode: dict[str, Any]) -> dict[str, Any]:
    whole = times * draw["median_s"] + decode["median_s"]
    parts = {"denoising_s": times * draw["median_s"], "decoding_s": decode["median_s"]}
    peaks = [one["peak_gib"] for one in (draw, decode) if "peak_gib" in one]
    entry = {"median_s": float(f"{whole:.4g}"), "denoising_scaled_by": times}
    return (
        entry
        | {name: float(f"{value:.4g}") for name, value in parts.items()}
        | ({"peak_gib": max(peaks)} if peaks else {})
    )


def _medians(parts: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {"of_which_s": {name: one["median_s"] for name, one in parts.items()}}


def _voxels(size: Size) -> int:
    x, y, z = size.volume
    return x * y * z
