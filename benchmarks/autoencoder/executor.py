"""Our exact executor of MONAI's and MAISI's decoder: the same weights, the same function, fewer operations (P3)."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import sides
from machine import publish, tell
from sides import FULL, MAISI_WIDTHS, VOLUMES, Peer, Side, our_side, peer_side, random_latent, scale_of, seeded
from timing import Job, Load, interleave, ratio
from torch import Tensor

from tlesynth.autoencoder.networks import Autoencoder

ABOUT = "our exact executor against MONAI's own decode of the same weights (P3)"
TARGETS = {"fp32": 1.3, "bf16": 2.7}
"""Times faster than MONAI's float32."""
MOST_DIFFERENT = {"fp32": 1e-4, "bf16": 0.02}
"""float32: greatest absolute difference; bfloat16: relative in the 2-norm, to MONAI's float32."""
REFERENCE = "monai 64-128-256 r2 fp32"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this part."""
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--volume", choices=list(VOLUMES), default="eighth")


def run(given: argparse.Namespace, out: Path) -> None:
    """Time the decodes in turn, compare what they make, publish."""
    shape = VOLUMES[given.volume]
    z, contestants = random_latent(shape), _contestants()
    made: dict[str, Tensor] = {}
    jobs = [
        Job(one.name, lambda one=one: made.__setitem__(one.name, one.decode(z)), 1, scale_of(shape))
        for one in contestants
    ]
    with Load() as load:
        interleave(jobs, given.passes, tell)
    reference = next(job for job in jobs if job.name == REFERENCE)
    result = {
        "unit": "core-seconds / threads, median over runs; ratios are to " + REFERENCE,
        "volume": "x".join(map(str, shape)) + ("" if shape == FULL else f", times {scale_of(shape):g}"),
        "seconds": {job.name: job.result() for job in jobs},
        "ours": {name: _verdict(name, jobs, reference, made) for name in ("fp32", "bf16")},
        "peers": {
            job.name: {
                "ratio": round(ratio(reference.seconds, job.seconds).value, 2),
                "max_abs_difference": float((made[job.name] - made[REFERENCE]).abs().max()),
            }
            for job in jobs
            if job is not reference and not job.name.startswith("ours")
        },
        "load": load.result(),
    }
    publish("executor", result, out)


def _contestants() -> list[Side]:
    """MAISI's widths with one set of weights: MAISI has MONAI's layers under longer names."""
    peer = seeded(lambda: sides.monai(MAISI_WIDTHS, 2))
    weights = peer.coder.state_dict()
    return [
        peer_side(REFERENCE, peer, "float32"),
        peer_side("monai 64-128-256 r2 bf16 autocast", peer, "autocast"),
        peer_side("maisi fp32", _maisi_with(weights), "float32"),
        our_side("ours fp32", _ours_with(weights), "float32"),
        our_side("ours bf16", _ours_with(weights), "bfloat16"),
    ]


def _ours_with(weights: dict[str, Tensor]) -> Autoencoder:
    ours = sides.folded_maisi()
    ours.coder.kl.load_state_dict(weights)
    return ours


def _maisi_with(weights: dict[str, Tensor]) -> Peer:
    peer = sides.maisi()
    # Both classes have the same layers in the same order; that the pairing is right shows in the equal output.
    peer.coder.load_state_dict(dict(zip(peer.coder.state_dict(), weights.values(), strict=True)))
    return peer


def _verdict(precision: str, jobs: list[Job], reference: Job, made: dict[str, Tensor]) -> dict[str, Any]:
    job = next(j for j in jobs if j.name == f"ours {precision}")
    found, difference = ratio(reference.seconds, job.seconds), made[job.name] - made[REFERENCE]
    greatest = float(difference.abs().max())
    relative = float(difference.norm() / made[REFERENCE].norm())
    differs = greatest if precision == "fp32" else relative
    return {
        "ratio": round(found.value, 2),
        "range": [round(found.low, 2), round(found.high, 2)],
        "target": TARGETS[precision],
        "met": found.low >= TARGETS[precision] and differs <= MOST_DIFFERENT[precision],
        "max_abs_difference": greatest,
        "relative_difference": relative,
    }
