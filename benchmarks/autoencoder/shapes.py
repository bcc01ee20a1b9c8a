"""Who runs where: the full grid and five odd shapes, on a processor, as released (P17)."""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sides
import torch
from machine import publish, tell
from sides import FULL, LATENT, Peer, seeded
from torch import nn

from tlesynth.errors import TlesynthError
from tlesynth.volume import Grid

ABOUT = "which network runs at the full grid and at five odd shapes, or its error (P17)"
ODD = ((36, 44, 28), (20, 52, 28), (60, 28, 20), (28, 68, 20), (37, 45, 29))
"""Latents of 9 x 11 x 7, 5 x 13 x 7, 15 x 7 x 5 and 7 x 17 x 5; the sides of the last are not multiples of 4."""
PRECISIONS = ("fp32", "bf16 autocast")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this part."""
    parser.add_argument("--without-full", action="store_true", help="the odd shapes alone: seconds, not minutes")


def networks() -> dict[str, Callable[[tuple[int, int, int]], nn.Module]]:
    """Makers of a network for a shape."""
    return {
        "ours": lambda shape: sides.recommended(_grid(shape)),
        "paper (our executor)": lambda shape: sides.paper(_grid(shape)),
        "monai 32-64-64": lambda _: sides.small(),
        "maisi as released": lambda _: sides.maisi(norm_float16=True, dim_split=1),
        "maisi, norm_float16 off": lambda _: sides.maisi(dim_split=1),
        "maisi, norm_float16 off, dim_split 0": lambda _: sides.maisi(),
        "maisi, norm_float16 off, num_splits 1": lambda _: sides.maisi(num_splits=1),
    }


def run(given: argparse.Namespace, out: Path) -> None:
    """Try each network on each shape and publish the table."""
    shapes = [*ODD] if given.without_full else [FULL, *ODD]
    table = {name: _row(name, build, shapes) for name, build in networks().items()}
    publish("shapes", {"outcomes": {name: _counted(row) for name, row in table.items()}, "table": table}, out)


def _counted(row: dict[str, str]) -> dict[str, int]:
    """How often a network passed, refused with advice, raised an error, or made a wrong volume without a word."""
    return dict(Counter(entry if entry == "pass" else entry.split(":")[0] for entry in row.values()))


def _row(name: str, build: Callable[[tuple[int, int, int]], nn.Module], shapes: list[Any]) -> dict[str, str]:
    row = {}
    for shape in shapes:
        for precision in PRECISIONS:
            cell = f"{'x'.join(map(str, shape))} {precision}"
            row[cell] = _attempt(build, shape, autocast=precision != "fp32")
            tell(f"{name:<40} {cell:<28} {row[cell]}")
    return row


def _attempt(build: Callable[[tuple[int, int, int]], nn.Module], shape: tuple[int, int, int], *, autocast: bool) -> str:
    """``pass`` where a volume comes back in its own shape, finite; else what happened."""
    try:
        network = seeded(lambda: build(shape)).eval()
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            mean, _ = network.encode(sides.random_volume(shape))
            wanted = tuple(n // 4 for n in shape)
            if tuple(mean.shape[2:]) != wanted and isinstance(network, Peer):
                return f"silently wrong: latent {_sides(mean)}, not {'x'.join(map(str, wanted))}"
            decoded = network.coder.decode(torch.zeros(1, LATENT, *wanted))
    except (RuntimeError, ValueError, TypeError) as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]
    except TlesynthError as error:
        return f"refused: {' '.join(str(error).split())}"[:300]
    if tuple(decoded.shape[2:]) != shape:
        return f"silently wrong: decodes to {_sides(decoded)}"
    return "pass" if math.isfinite(float(decoded.float().sum())) else "not finite"


def _sides(x: torch.Tensor) -> str:
    return "x".join(map(str, x.shape[2:]))


def _grid(shape: tuple[int, int, int]) -> Grid:
    return Grid("odd", shape, 1.5, (0.0, 0.0, 0.0))
