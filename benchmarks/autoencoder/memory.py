"""Peak memory over the model, each side in a process of its own (P13)."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sides
from machine import bfloat16_is_native, forget_peak, held, memory, publish, tell
from sides import EIGHTH, FULL, TINY, our_side, peer_side, random_latent, random_volume, seeded
from stepping import Step
from torch import nn

from tlesynth.autoencoder.networks import channels_last

ABOUT = "peak memory of decode, encode and a train step over the model (P13)"
NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "ours": sides.recommended,
    "paper": sides.paper,
    "monai 32-64-64": sides.small,
    "maisi": sides.maisi,
}
OURS = ("ours", "paper")
"""These infer in bfloat16, channels last, where it is native; peers in float32 as released."""
KINDS = ("decode", "encode", "train_step")
TARGETS_GIB = {("ours", "decode"): 0.4, ("ours", "train_step"): 2.0}
WARM = 2
ROOM = 0.7
"""Share of the available memory that a full volume may be expected to take; else an eighth is measured, times 8."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this part."""
    parser.add_argument("networks", nargs="*", default=list(NETWORKS))
    parser.add_argument("--child", nargs=3, metavar=("NETWORK", "KIND", "VOLUME"), help=argparse.SUPPRESS)


def run(given: argparse.Namespace, out: Path) -> None:
    """Measure and publish, or be one of the measured processes."""
    if given.child:
        name, kind, volume = given.child
        print(json.dumps(peak(name, kind, FULL if volume == "full" else EIGHTH)))
        return
    found = {name: {kind: _measured(name, kind) for kind in KINDS} for name in given.networks}
    unit = "GiB over the model: the high-water mark of resident memory less what the process held before the work"
    publish("memory", {"unit": unit, "peaks": found}, out)


def peak(name: str, kind: str, shape: tuple[int, ...]) -> dict[str, float]:
    """GiB that the work adds: ``work`` grows with the volume, ``state`` (gradients, moments) does not."""
    native = bfloat16_is_native()
    build, mine = NETWORKS[name], name in OURS
    before_state = 0.0
    if kind == "train_step":
        network = seeded(build)
        before_state = held("VmRSS")
        step = Step(channels_last(network) if mine else network, autocast=native)
        work: Callable[[tuple[int, ...]], object] = lambda shape: step(random_volume(shape))  # noqa: E731
    else:
        network = seeded(build)
        one = (
            our_side(name, network, "bfloat16" if native else "float32")
            if mine
            else peer_side(name, network, "float32")
        )
        made = random_latent if kind == "decode" else random_volume
        work = lambda shape: getattr(one, kind)(made(shape))  # noqa: E731
    for _ in range(WARM):
        work(TINY)
    before = held("VmRSS")
    forget_peak()
    work(shape)
    state = max(0.0, before - before_state) if kind == "train_step" else 0.0
    return {"work": held("VmHWM") - before, "state": state}


def _measured(name: str, kind: str) -> dict[str, Any]:
    """A full volume where it fits; what does not is an eighth of it, times 8, and says so."""
    eighth = _child(name, kind, "eighth")
    expected = 8 * eighth["work"] + eighth["state"]
    fits = expected <= ROOM * memory("MemAvailable")
    found = _child(name, kind, "full") if fits else eighth
    total = found["work"] * (1 if fits else 8) + found["state"]
    entry: dict[str, Any] = {"gib": round(total, 3), "volume": "full" if fits else "an eighth, times 8: does not fit"}
    if kind == "train_step":
        entry["of_which_gradients_and_moments_gib"] = round(found["state"], 3)
    if (name, kind) in TARGETS_GIB:
        entry |= {"target_gib": TARGETS_GIB[name, kind], "met": total <= TARGETS_GIB[name, kind]}
    tell(f"{name:<16} {kind:<11} {entry['gib']:7.2f} GiB  ({entry['volume']})")
    return entry


def _child(name: str, kind: str, volume: str) -> dict[str, float]:
    words = [sys.executable, sys.argv[0], "memory", "--child", name, kind, volume]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{name} {kind} {volume}: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.splitlines()[-1])
