"""How many steps are enough: the distance of what few steps draw to held-out latents, beside that of a long way.

The same subjects grow from the same noise whatever the steps, so that a difference of distances is the solver's alone.
The long way is plain Euler over many steps, which every process of ours converges to.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
from machine import publish, tell
from ruler import Ruler, ruler_of
from timing import Load
from torch import Tensor

from tlesynth.diffusion.latents import read_latents, rows_of
from tlesynth.diffusion.model import Diffusion, load_diffusion
from tlesynth.diffusion.sampling import Plan, sample_latents
from tlesynth.seeds import generator, torch_generator

ABOUT = "Frechet distance of latents drawn in few steps to held-out ones, against that of many steps"
WITHIN = 0.02
"""The share by which few steps may lie behind."""
BATCH = 16


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this part."""
    parser.add_argument("latents", type=Path, help="those that the model learnt from")
    parser.add_argument("--splits", type=Path, required=True)
    parser.add_argument("--diffusion", type=Path, required=True, help="model folder")
    parser.add_argument("--sampler", default="dpm++")
    parser.add_argument("--steps", type=int, nargs="+", default=[5, 8, 10, 15, 20, 40])
    parser.add_argument("--long", default="euler:400", help="sampler:steps of the long way")
    parser.add_argument("--guidance", type=float, default=1.0)
    parser.add_argument("--n", type=int, default=256)
    parser.add_argument("--seed", type=int, default=0)


def run(given: argparse.Namespace, out: Path) -> None:
    """Draw by each number of steps, measure, publish."""
    model = load_diffusion(given.diffusion)
    splits = [rows_of(given.latents, given.splits, split) for split in ("gen_train", "val")]
    fitted, held_out = (
        read_latents(given.latents, rows, model.conditions, flip=model.flip and first)
        for rows, first in zip(splits, (True, False), strict=True)
    )
    ruler = ruler_of(fitted, held_out)
    told = fitted.conditions[torch.arange(given.n) % len(fitted)]  # (n, K)
    name, steps = given.long.split(":")
    with Load() as load:
        tell(f"{name}, {steps} steps")
        far = _drawn(model, told, name, int(steps), given)
        reference = ruler.distance(far)
        rows = {str(n): _compared(_drawn(model, told, given.sampler, n, given), far, n, ruler) for n in given.steps}
    for row in rows.values():
        row["behind"] = round(row["frechet"] / reference - 1, 4)
        row["met"] = row["behind"] <= WITHIN
    result = {
        "unit": "Frechet distance in principal components of the training latents; difference: RMS over RMS",
        "sampler": given.sampler,
        "by_steps": rows,
        "long": {"sampler": name, "steps": int(steps), "frechet": round(reference, 4)},
        "floor": round(ruler.floor(given.n, generator(given.seed, "benchmark", "nearness", "floor")), 4),
        "most_behind": WITHIN,
        "guidance": given.guidance,
        "n": given.n,
        "load": load.result(),
    }
    publish("nearness", result, out)


def _compared(drawn: Tensor, far: Tensor, steps: int, ruler: Ruler) -> dict[str, Any]:
    distance = ruler.distance(drawn)
    tell(f"{steps:3d} steps: {distance:.4f}")
    off = (drawn - far).square().mean().sqrt() / far.std()
    return {"frechet": round(distance, 4), "difference": round(float(off), 4)}


def _drawn(model: Diffusion, told: Tensor, sampler: str, steps: int, given: argparse.Namespace) -> Tensor:
    """Latents (n, C, X, Y, Z) under ``told`` (n, K), each from noise keyed by its number."""
    plan = Plan(model.process, sampler=sampler, steps=steps, guidance=given.guidance)
    drawn = []
    for start in range(0, len(told), BATCH):
        some = told[start : start + BATCH]
        noise = [torch_generator(given.seed, "benchmark", "nearness", start + i) for i in range(len(some))]
        drawn.append(sample_latents(model.network, some, model.latent_shape, noise, plan).latents)
    return torch.cat(drawn)
