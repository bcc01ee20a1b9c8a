"""One pass of the denoiser beside plain PyTorch and MAISI's UNet, with its error (P6)."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import denoisers
import torch
from denoisers import SIZES, Denoiser, Size, conditions, dit, noise, relative
from machine import publish, tell
from timing import Job, Load, compared, interleave

ABOUT = "a forward pass of DiT-3D in core-seconds beside plain PyTorch and MAISI's UNet (P6)"
TARGETS = {"plain fp32": 2.8, "plain bf16": 1.5, "maisi fp32": 11.0, "maisi bf16 autocast": 5.0}
"""How many times faster ours must be."""
EXACT_TARGET = 1.6
"""How many times faster float32 products by oneDNN must be than plain float32."""
MOST_DIFFERENT = {"ours": 1e-2, "onednn fp32": 1e-5}
"""Relative to float64, in the 2-norm."""
MOST_GFLOP = 50.0
HEADLINES = {
    "denoise_ratio": "plain fp32",
    "denoise_ratio_plain_bf16": "plain bf16",
    "denoise_ratio_maisi_fp32": "maisi fp32",
    "denoise_ratio_maisi_bf16": "maisi bf16 autocast",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this part."""
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--volume", choices=list(SIZES), default="full")
    parser.add_argument("--batches", type=int, nargs="+", help="else 1, 4 and 16")


def run(given: argparse.Namespace, out: Path) -> None:
    """Time every batch size, compare what is made, publish."""
    size = SIZES[given.volume]
    everyone = denoisers.denoisers(size)
    work = {str(batch): measured(everyone, size, batch, given.passes) for batch in given.batches or size.batches}
    counted = denoisers.gflop(size)
    result = headlines(work) | {
        "unit": "core-seconds / threads a batch, median over runs; ratios are the peer's over ours",
        "latent": "x".join(map(str, size.latent)),
        "work": work,
        "errors": errors(everyone, size),
        "gflop": {"ours": counted, "most": MOST_GFLOP, "met": counted <= MOST_GFLOP},
        "sides": {one.name: one.result() for one in everyone},
    }
    publish("denoise", result, out)


def measured(everyone: list[Denoiser], size: Size, batch: int, passes: int) -> dict[str, Any]:
    """The entry of one batch size."""
    z = noise(size, batch)
    jobs = [Job(one.name, lambda one=one: one(z), 1 if one.name.startswith("maisi") else 2) for one in everyone]
    tell(f"batch {batch}: {len(jobs)} sides, {passes} passes")
    for one in everyone:
        one(z[:1])  # kernels are chosen at the first call
    with Load() as load:
        interleave(jobs, passes, tell)
    exact = [job for job in jobs if job.name in ("onednn fp32", "plain fp32")]
    return {
        "ratios": compared(jobs, TARGETS),
        "fp32": compared(exact, {"plain fp32": EXACT_TARGET}, ours="onednn fp32")["plain fp32"],
        "seconds": {job.name: job.result() for job in jobs},
        "load": load.result(),
    }


def headlines(work: dict[str, Any]) -> dict[str, Any]:
    """The ratios at the least batch, as sampling on a processor has it, and whether every batch meets every target."""
    first = work[min(work, key=int)]["ratios"]
    entries = [entry for made in work.values() for entry in (*made["ratios"].values(), made["fp32"])]
    met = all(entry["met"] for entry in entries if "met" in entry)
    return {name: first[peer]["ratio"] for name, peer in HEADLINES.items()} | {"met": met}


def errors(everyone: list[Denoiser], size: Size) -> dict[str, Any]:
    """How far each precision of our network lies from float64."""
    z = noise(size)
    with torch.no_grad():
        exact = dit(size).double()(z.double(), torch.full((1,), 500.0), conditions(1))
    found = {one.name: relative(one(z), exact) for one in everyone if not one.name.startswith("maisi")}
    return {
        name: {"relative": float(f"{error:.3g}")}
        | ({"most": MOST_DIFFERENT[name], "met": error <= MOST_DIFFERENT[name]} if name in MOST_DIFFERENT else {})
        for name, error in found.items()
    }
