"""Who denoises which latent: the full grid's and five odd ones, on a processor, as released (P17)."""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import denoisers
import torch
from denoisers import CONDITIONS, PROCESS, SIZES, Size, conditions
from generators import SAMPLER, generators
from machine import publish, tell
from sides import LATENT, seeded
from torch import Tensor, nn

from tlesynth.diffusion.sampling import Plan, sample_latents
from tlesynth.diffusion.transformer import DiT3D
from tlesynth.errors import TlesynthError
from tlesynth.recipe import DiffusionNetwork

ABOUT = "which denoiser runs on the full grid's latent and on five odd ones, or its error (P17)"
ODD = ((9, 11, 7), (5, 13, 7), (15, 7, 5), (7, 17, 5), (13, 11, 9))
STEPS = 2
Attempt = Callable[[tuple[int, int, int], bool], str]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this part."""
    parser.add_argument("--volume", choices=list(SIZES), default="full", help="tiny: small networks, no full grid")


def run(given: argparse.Namespace, out: Path) -> None:
    """Try each network on each shape and publish the table."""
    size = SIZES[given.volume]
    shapes = [size.latent[1:], *ODD]
    table = {name: _row(name, attempt, shapes) for name, attempt in attempts(size).items()}
    outcomes = {name: dict(Counter(cell.split(":")[0] for cell in row.values())) for name, row in table.items()}
    met = outcomes["ours"] == {"pass": 2 * len(shapes)}
    publish("shapes", {"shapes_pass": met, "met": met, "outcomes": outcomes, "table": table}, out)


def attempts(size: Size) -> dict[str, Attempt]:
    """What is tried; MAISI as released builds nothing on a processor."""
    widths = (256, 512, 768) if size.name == "full" else (32, 64, 96)
    return {
        "ours": lambda shape, half: _ours(size.network, shape, half),
        "maisi unet as released": lambda shape, half: _peer(
            lambda: denoisers.maisi_unet(size.maisi_channels, flash=True), denoisers.maisi_call, LATENT, shape, half
        ),
        "maisi unet, flash attention off": lambda shape, half: _peer(
            lambda: denoisers.maisi_unet(size.maisi_channels), denoisers.maisi_call, LATENT, shape, half
        ),
        "brain ldm unet": lambda shape, half: _peer(
            lambda: denoisers.brain_ldm_unet(widths), denoisers.brain_ldm_call, 3, shape, half
        ),
    }


def _row(name: str, attempt: Attempt, shapes: list[tuple[int, int, int]]) -> dict[str, str]:
    row = {}
    for shape in shapes:
        for half in (False, True):
            cell = f"{'x'.join(map(str, shape))} {'bf16' if half else 'fp32'}"
            row[cell] = attempt(shape, half)
            tell(f"{name:<34} {cell:<18} {row[cell]}")
    return row


def _ours(settings: DiffusionNetwork, shape: tuple[int, int, int], half: bool) -> str:
    """A whole draw in two steps, with the recipe's patch where it divides, else with a smaller one that does."""
    try:
        patch = patch_of(shape, settings.patch)
        fitted = settings.model_copy(update={"patch": patch})
        network = seeded(lambda: DiT3D(fitted, (LATENT, *shape), (6.0, 6.0, 6.0), CONDITIONS)).eval()
        network = network.bfloat16() if half else network
        plan = Plan(PROCESS, sampler=SAMPLER, steps=STEPS)
        made = sample_latents(network, conditions(1), (LATENT, *shape), generators(1), plan).latents
    except TlesynthError as error:
        return f"refused: {' '.join(str(error).split())}"[:300]
    return _judged(made, shape)


def patch_of(shape: tuple[int, ...], wished: tuple[int, ...]) -> tuple[int, ...]:
    """On each axis the largest divisor of the latent that is no larger than the wished patch."""
    return tuple(max(d for d in range(1, p + 1) if n % d == 0) for n, p in zip(shape, wished, strict=True))


def _peer(
    build: Callable[[], nn.Module],
    call: Callable[[nn.Module, Tensor], Tensor],
    channels: int,
    shape: tuple[int, int, int],
    half: bool,
) -> str:
    """One pass: by shapes alone first, which costs nothing and meets the same faults; then in numbers."""
    try:
        with torch.no_grad():
            with torch.device("meta"):
                call(build(), torch.empty(1, channels, *shape))
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                made = call(seeded(build).eval(), torch.zeros(1, channels, *shape))
    except (RuntimeError, ValueError, TypeError) as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]
    return _judged(made, shape)


def _judged(made: Tensor, shape: tuple[int, int, int]) -> str:
    if tuple(made.shape[2:]) != shape:
        return f"silently wrong: {'x'.join(map(str, made.shape[2:]))}"
    return "pass" if math.isfinite(float(made.float().sum())) else "not finite"
