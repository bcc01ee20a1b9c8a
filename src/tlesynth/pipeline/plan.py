"""``--dry-run``: shapes, parameters, memory and time, counted on networks without weights before anything is computed.

FLOPs and memory (``memory``) are counted; the time divides FLOPs by what a one-second probe reaches on this machine, so
it is an estimate and says so.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from tlesynth import recipe as recipes
from tlesynth.pipeline.memory import memory_rows
from tlesynth.pipeline.pretrained import weights_rows
from tlesynth.pipeline.stages import Context, require_groups
from tlesynth.progress import clock
from tlesynth.volume import GRIDS, Grid

SECONDS_PER_SCAN = 12.0
"""Core-seconds of preprocessing at 1.5 mm (measured); at 3 mm a quarter."""
BACKWARD = 2.0
"""A backward pass costs two forward ones."""


@dataclass(frozen=True)
class Cost:
    """What one network costs: parameters, and FLOPs of one forward pass of one sample."""

    parameters: int
    flops: float


def plan(context: Context) -> dict[str, Any]:
    """What a run would compute, as rows a person or a machine reads.

    Raises:
        TlesynthError: CFG-002 for a sampler that does not fit, CFG-003 if sizes do not divide or are too small, CFG-011
            if the recipe's scans would have no group, DATA codes if the input cohort cannot be understood.
    """
    recipe = context.recipe
    require_groups(recipe)
    grid = GRIDS[recipe.preprocess.grid]
    scans = _scans(context)
    train = max(1, round(scans * recipe.split.gen_train))
    autoencoder, latent = _autoencoder(recipe)
    discriminator = _discriminator(recipe)
    diffusion, tokens = _diffusion(recipe, latent)
    classifier = _classifier(recipe)
    rate = _flops_per_second(recipe.device)
    ae_steps, disc_steps = _autoencoder_steps(recipe.autoencoder, train)
    dit_steps = recipe.diffusion.steps or recipe.diffusion.epochs * _batches(train, recipe.diffusion.batch_size)
    cls_steps = recipe.classifier.steps or recipe.classifier.epochs * _batches(train, recipe.classifier.scans_a_step)
    batch = recipe.autoencoder.reconstruction.batch_size
    samples = recipe.sample.n_hc + recipe.sample.n_tle
    sampling, tuning = _passes(recipe)
    seconds = {
        "preprocess": scans * SECONDS_PER_SCAN * (grid.spacing / 1.5) ** -2 / max(torch.get_num_threads(), 1),
        "train autoencoder": (1 + BACKWARD)
        * batch
        * recipe.autoencoder.reconstruction.accumulate
        * (ae_steps * autoencoder.flops + disc_steps * discriminator.flops)
        * _share_seen(recipe.autoencoder, grid)
        / rate,
        "train diffusion": (1 + BACKWARD) * dit_steps * recipe.diffusion.batch_size * diffusion.flops / rate,
        **({"tune": tuning * diffusion.flops / rate} if recipe.sample.tuned else {}),
        "sample": samples * (sampling * diffusion.flops + 0.6 * autoencoder.flops) / rate,
        "train classifier": len(recipe.classifier.arms)
        * (1 + BACKWARD)
        * cls_steps
        * recipe.classifier.scans_a_step
        * classifier.flops
        / rate,
    }
    return {
        "cohort": f"{scans} scans, {train} of them to train the generator",
        "grid": f"{grid.name}: {_shape(grid.shape)} voxels",
        "latent": f"{_shape(latent)} ({math.prod(grid.shape) / math.prod(latent):.0f}x smaller)",
        "autoencoder": _row(autoencoder, batch, ae_steps),
        "discriminator": _row(discriminator, batch, disc_steps) if disc_steps else "none",
        "diffusion": _row(diffusion, recipe.diffusion.batch_size, dit_steps) + f", {tokens} tokens",
        "sampling": f"{samples} volumes, {recipe.sample.sampler}, {sampling} forward passes each"
        + (" unless tune chooses otherwise" if recipe.sample.tuned else ""),
        "classifier": (
            _row(classifier, recipe.classifier.scans_a_step, cls_steps) if classifier.flops else "no network"
        )
        + f", {len(recipe.classifier.arms)} arms",
        "machine": f"{rate / 1e9:.0f} GFLOP/s in a one-second probe",
        **weights_rows(recipe),
        **memory_rows(recipe, latent),
        **{f"time {name}": f"about {clock(value)}" for name, value in seconds.items()},
        "time in all": f"about {clock(sum(seconds.values()))} (an estimate from counted FLOPs and the probe)",
    }


def cost_of(network: nn.Module, *inputs: torch.Tensor) -> Cost:
    """Count one forward pass of a network on the meta device; ``inputs`` hold one sample."""
    with FlopCounterMode(display=False) as flops, torch.no_grad():
        network(*inputs)
    return Cost(sum(p.numel() for p in network.parameters()), float(flops.get_total_flops()))


def _autoencoder(recipe: recipes.Recipe) -> tuple[Cost, tuple[int, int, int, int]]:
    from tlesynth.autoencoder.learning.learners import refuse_sizes
    from tlesynth.autoencoder.networks import Autoencoder

    grid = GRIDS[recipe.preprocess.grid]
    refuse_sizes(recipe.autoencoder, grid)
    with torch.device("meta"):
        network = Autoencoder(recipe.autoencoder.network, grid)
        shape = network.latent_shape
        return cost_of(network, torch.empty(1, 1, *grid.shape), torch.empty(1, *shape)), shape


def _discriminator(recipe: recipes.Recipe) -> Cost:
    from tlesynth.autoencoder.discriminator import PatchDiscriminator

    with torch.device("meta"):
        network = PatchDiscriminator(recipe.autoencoder.adversarial_phase)
        return cost_of(network, torch.empty(1, 1, *GRIDS[recipe.preprocess.grid].shape))


def _diffusion(recipe: recipes.Recipe, latent: tuple[int, int, int, int]) -> tuple[Cost, int]:
    from tlesynth.diffusion.conditions import assumed
    from tlesynth.diffusion.transformer import DiT3D

    spacing, conditions = GRIDS[recipe.preprocess.grid].spacing * 4, assumed(recipe.diffusion.conditions)
    with torch.device("meta"):
        network = DiT3D(recipe.diffusion.network, latent, (spacing, spacing, spacing), conditions)
        cost = cost_of(network, torch.empty(1, *latent), torch.zeros(1), conditions.null(1))
    patch = recipe.diffusion.network.patch
    tokens = torch.Size(n // p for n, p in zip(latent[1:], patch, strict=True)).numel()
    return cost, tokens


def _passes(recipe: recipes.Recipe) -> tuple[int, int]:
    """Forward passes of the transformer that a synthetic subject takes, and that the sweep of ``tune`` takes in all.

    Raises:
        TlesynthError: CFG-002 for a sampler that does not fit the noise process.
    """
    from tlesynth.diffusion.process import process_of
    from tlesynth.diffusion.sampling import Plan

    sample, tune = recipe.sample, recipe.tune
    plain = Plan(process_of(recipe.diffusion.noise), sample.sampler, guidance_interval=sample.guidance_interval)
    pairs = [(steps, scale) for steps in tune.steps for scale in tune.guidance] if sample.tuned else []
    swept = sum(replace(plain, steps=steps, guidance=scale).passes for steps, scale in pairs)
    return replace(plain, steps=sample.steps, guidance=sample.guidance).passes, tune.n * swept


def _classifier(recipe: recipes.Recipe) -> Cost:
    from tlesynth.classifier.network_scorer import network_for

    grid = GRIDS[recipe.preprocess.grid]
    if recipe.classifier.kind == "volumes":
        return Cost(0, 0)
    with torch.device("meta"):
        return cost_of(network_for(recipe.classifier, grid, seed=0).eval(), torch.empty(1, *grid.shape))


def _autoencoder_steps(settings: recipes.Autoencoder, train: int) -> tuple[int, int]:
    """Steps that move the autoencoder, and steps that move the discriminator, at most."""
    from tlesynth.autoencoder.learning.schedule import segments_of, steps_per_epoch

    segments = segments_of(settings, steps_per_epoch(settings, train))
    walks = [(way, segment.steps) for segment in segments for way in (segment.learner, *segment.then)]
    against = sum(steps for way, steps in walks if way.startswith("discriminator"))
    return sum(steps for _, steps in walks) - against, against


def _share_seen(settings: recipes.Autoencoder, grid: Grid) -> float:
    """What share of a volume's voxels goes through the networks in a step: 1, or a crop's."""
    sides = settings.crop or grid.shape
    return math.prod(map(min, sides, grid.shape)) / math.prod(grid.shape)


def _scans(context: Context) -> int:
    if context.given is None:
        return context.recipe.simulate.n_hc + context.recipe.simulate.n_tle
    from tlesynth.data.sources.bids import read_bids

    return len([scan for scan in read_bids(context.given, context.recipe.labels) if scan.path is not None])


def _batches(n: int, batch_size: int) -> int:
    return -(-n // batch_size)


def _row(cost: Cost, batch: int, steps: int) -> str:
    size, work = f"{cost.parameters / 1e6:.2f} M parameters", f"{cost.flops / 1e9:.1f} GFLOP forward"
    return f"{size}, {work}, batch {batch}, {steps:,} steps"


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(str(n) for n in shape)


def _flops_per_second(device: str) -> float:
    """Convolution throughput of this machine in float32, from about a second of it."""
    place = "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
    conv = nn.Conv3d(32, 32, 3, padding=1).to(place)
    x = torch.randn(1, 32, 48, 48, 48, device=place)
    flops = 2 * 27 * 32 * 32 * 48**3
    with torch.no_grad():
        conv(x)
        begun, runs = time.perf_counter(), 0
        while time.perf_counter() - begun < 1:
            conv(x)
            runs += 1
            if place == "cuda":
                torch.cuda.synchronize()
    return flops * runs / (time.perf_counter() - begun)
