"""The parts of the benchmark as subcommands."""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import designs
import executor
import loader
import memory
import quality
import runs
import shapes
import speed
import table
import torch
from timing import THREADS

COMMANDS = {
    "speed": speed,
    "memory": memory,
    "loader": loader,
    "shapes": shapes,
    "executor": executor,
    "quality": quality,
    "table": table,
    "designs": designs,
    "runs": runs,
}


def run(words: list[str], folder: Path, about: str) -> None:
    """Parse ``words`` and run a part; its result goes to ``folder`` unless told otherwise."""
    parser = argparse.ArgumentParser(prog="autoencoder.py", description=about.split("\n")[0])
    parts = parser.add_subparsers(dest="part", required=True)
    for name, part in COMMANDS.items():
        sub = parts.add_parser(name, help=part.ABOUT, description=part.ABOUT)
        sub.add_argument("--out", type=Path, default=folder / f"{name}.json")
        part.arguments(sub)
    given = parser.parse_args(words)
    warnings.filterwarnings("ignore", category=FutureWarning)
    torch.set_num_threads(THREADS)
    COMMANDS[given.part].run(given, given.out)
