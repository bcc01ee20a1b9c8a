"""Decode, encode and a training step beside the peers (P1, P2, P4, P5)."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sides
import torch
from machine import bfloat16_is_native, publish, tell
from sides import EIGHTH, FULL, VOLUMES, Side, our_side, peer_side, random_latent, random_volume, scale_of, seeded
from stepping import Step
from timing import Job, Load, compared, interleave
from torch import nn

from tlesynth import durable
from tlesynth.autoencoder.networks import channels_last

ABOUT = "decode, encode and train step in core-seconds beside MAISI and MONAI (P1, P2, P4, P5)"
OURS = "ours"
TARGETS = {
    "decode": {"maisi fp32": 25.0, "maisi bf16 autocast": 15.0, "monai 32-64-64 fp32": 4.5},
    "encode": {"maisi fp32": 18.0, "monai 32-64-64 fp32": 3.5},
    "train_step": {"maisi bf16 autocast": 12.0, "monai 32-64-64 bf16 autocast": 2.5},
}
"""How many times faster ours must be."""
HEADLINES = {"decode": "maisi fp32", "encode": "maisi fp32", "train_step": "maisi bf16 autocast"}
KINDS = ("decode", "encode", "train_step")
NO_QUALITY = "not given: run `quality`, then `speed --only-quality --quality FILE`"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this part."""
    parser.add_argument("kinds", nargs="*", metavar="KIND", default=list(KINDS), help=", ".join(KINDS))
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument(
        "--volume", choices=list(VOLUMES), default="full", help="eighth: every side on an eighth, times 8"
    )
    parser.add_argument("--quality", type=Path, help="the result of `quality`, quoted beside the speed")
    parser.add_argument("--only-quality", action="store_true", help="quote it in a result that stands; measure nothing")


def measured(kind: str, shape: tuple[int, ...], passes: int) -> dict[str, Any]:
    """The entry of one kind of work; a ratio above 1 says how many times faster ours is."""
    jobs = step_jobs(shape) if kind == "train_step" else inference_jobs(kind, shape)
    tell(f"{kind}: {len(jobs)} sides, {passes} passes")
    with Load() as load:
        interleave(jobs, passes, tell)
    return {
        "volume": "x".join(map(str, shape)) + ("" if shape == FULL else f", times {scale_of(shape):g}"),
        "ratios": compared(jobs, TARGETS[kind]),
        "seconds": {job.name: job.result() for job in jobs},
        "load": load.result(),
    }


def headlines(work: dict[str, Any]) -> dict[str, float]:
    """``decode_ratio``, ``encode_ratio`` and ``train_step_ratio``: MAISI's time over ours."""
    return {f"{kind}_ratio": work[kind]["ratios"][HEADLINES[kind]]["ratio"] for kind in KINDS if kind in work}


def about_sides() -> dict[str, Any]:
    """Everyone's settings, size and operations."""
    counted = {
        OURS: sides.gflop(sides.recommended),
        "paper": sides.gflop(sides.paper),
        "maisi": sides.gflop(lambda: sides.maisi(num_splits=1)),
        "monai 32-64-64": sides.gflop(sides.small),
    }
    return {"sides": {one.name: one.result() for one in inference_sides()}, "gflop_full_volume": counted}


def kept(path: Path, about: dict[str, Any]) -> dict[str, Any]:
    """What ``path`` holds already of the same sides, not to be measured twice: ``work`` by kind, and ``quality``."""
    before = json.loads(path.read_text()) if path.is_file() else {}
    same = before and all(before.get(key) == about[key] for key in about)
    return {name: before[name] for name in ("work", "quality")} if same else {"work": {}, "quality": NO_QUALITY}


def inference_sides() -> list[Side]:
    """Who encodes and decodes, and in which precision."""
    native = bfloat16_is_native()
    fast, named = ("bfloat16", "bf16") if native else ("float32", "fp32")
    return [
        our_side(OURS, seeded(sides.recommended), fast),
        *([our_side("ours fp32", seeded(sides.recommended), "float32")] if native else []),
        our_side(f"paper {named}", seeded(sides.paper), fast),
        peer_side("monai 32-64-64 fp32", seeded(sides.small), "float32"),
        peer_side("maisi fp32", seeded(sides.maisi), "float32"),
        peer_side("maisi bf16 autocast", seeded(sides.maisi), "autocast"),
    ]


def inference_jobs(kind: str, shape: tuple[int, ...]) -> list[Job]:
    """A job a side; the short ones run three times a pass."""
    given = random_latent(shape) if kind == "decode" else random_volume(shape)
    return [
        Job(
            one.name,
            lambda one=one: getattr(one, kind)(given),
            1 if one.name.startswith("maisi") else 3,
            scale_of(shape),
        )
        for one in inference_sides()
    ]


def step_jobs(shape: tuple[int, ...]) -> list[Job]:
    """A job a side; what does not fit into 24 GB at full size runs on an eighth of the volume, times 8."""
    part = min(shape, EIGHTH, key=math.prod)
    return [
        _step_job(OURS, sides.recommended, shape, autocast=True, last=True),
        _step_job("paper bf16 autocast", sides.paper, part, autocast=True, last=True),
        _step_job("monai 32-64-64 bf16 autocast", sides.small, part, autocast=True),
        _step_job("maisi fp32", sides.maisi, part, autocast=False),
        _step_job("maisi bf16 autocast", sides.maisi, part, autocast=True),
    ]


def quoted(path: Path) -> dict[str, Any]:
    """What `quality` found: speed without it does not count."""
    return {name: json.loads(path.read_text())[name] for name in ("equal_steps", "equal_core_seconds", "gate")}


def run(given: argparse.Namespace, out: Path) -> None:
    """Measure each kind of work and publish after each, beside what was measured before of the same sides."""
    if given.only_quality:
        quote(given.quality, out)
        return
    about = about_sides()
    before = kept(out, about)
    work, quality = before["work"], quoted(given.quality) if given.quality else before["quality"]
    for kind in given.kinds:
        work[kind] = measured(kind, VOLUMES[given.volume], given.passes)
        unit = "core-seconds / threads, median over runs; ratios are the peer's over ours"
        publish("speed", headlines(work) | {"unit": unit, "work": work} | about | {"quality": quality}, out)


def quote(quality: Path | None, out: Path) -> None:
    """Put what `quality` found into a result that stands; command, date and machine stay those of the measurement."""
    if quality is None or not out.is_file():
        raise SystemExit("--only-quality needs --quality FILE and a result of `speed` that stands")
    durable.write_json(out, json.loads(out.read_text()) | {"quality": quoted(quality)})
    tell(f"the quality of {quality.name} stands in {out.name}")


def _step_job(
    name: str,
    build: Callable[[], nn.Module],
    shape: tuple[int, ...],
    *,
    autocast: bool,
    last: bool = False,
) -> Job:
    network = seeded(build)
    step = Step(channels_last(network) if last else network, autocast=autocast and bfloat16_is_native())
    x = random_volume(shape)
    x = x.contiguous(memory_format=torch.channels_last_3d) if last else x
    return Job(name, lambda: step(x), 1 if name.startswith("maisi") else 2, scale_of(shape))
