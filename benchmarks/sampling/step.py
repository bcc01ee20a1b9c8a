"""A training step of the diffusion transformer beside plain PyTorch, and whether both learn the same (P7)."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from denoisers import SIZES, Size
from learning import HOW, Step
from machine import publish, tell
from timing import Job, Load, compared, interleave

from tlesynth.recipe import DiffusionNetwork

ABOUT = "a train step of DiT-3D in core-seconds beside plain PyTorch, and 50 steps of both (P7)"
TARGET = 2.8
"""Times faster than plain float32 with torch's own Adam."""
CURVE_STEPS = 50
MOST_APART = 0.01
"""Of the loss, at each of these steps."""
CURVE = {
    "full": DiffusionNetwork(patch=(4, 2, 4), depth=4, width=192, heads=3),
    "tiny": DiffusionNetwork(patch=(4, 2, 4), depth=1, width=48, heads=2),
}
"""The network of the curves: small, since both sides take 50 steps."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this part."""
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--volume", choices=list(SIZES), default="full")
    parser.add_argument("--steps", type=int, default=CURVE_STEPS, help="of the loss curves")


def run(given: argparse.Namespace, out: Path) -> None:
    """Time the steps in turn, walk both curves, publish."""
    size = SIZES[given.volume]
    result = measured(size, given.passes) | {"curve": curve(size, given.steps)}
    publish("step", {"train_step_ratio": result["ratios"]["plain fp32"]["ratio"]} | result, out)


def measured(size: Size, passes: int) -> dict[str, Any]:
    """Core-seconds of a step of each side, on the same latents with the same draws."""
    steps = {name: Step(size, name, size.train_batch) for name in HOW}
    jobs = [Job(name, step) for name, step in steps.items()]
    for name, step in steps.items():
        tell(f"{name}: warm-up, loss {step():.4f}")
    with Load() as load:
        interleave(jobs, passes, tell)
    return {
        "unit": "core-seconds / threads a step, median over runs; ratios are the peer's over ours",
        "latent": "x".join(map(str, size.latent)),
        "batch": size.train_batch,
        "ratios": compared(jobs, {"plain fp32": TARGET}),
        "seconds": {job.name: job.result() for job in jobs},
        "load": load.result(),
    }


def curve(size: Size, steps: int) -> dict[str, Any]:
    """The losses of ours and of plain float32 on the same latents with the same draws."""
    sides = {name: Step(size, name, size.train_batch, CURVE[size.name]) for name in ("ours", "plain fp32")}
    losses = {name: [round(step(), 6) for _ in range(steps)] for name, step in sides.items()}
    return apart(losses["ours"], losses["plain fp32"]) | {"losses": losses}


def apart(ours: list[float], plain: list[float]) -> dict[str, Any]:
    """How far two curves lie apart at most, relative to the second."""
    most = max(abs(a - b) / b for a, b in zip(ours, plain, strict=True))
    return {"steps": len(ours), "apart": float(f"{most:.3g}"), "most": MOST_APART, "met": most <= MOST_APART}
