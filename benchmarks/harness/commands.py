"""The parts of a benchmark as subcommands of its script."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import torch
from timing import THREADS


def run(words: list[str], folder: Path, about: str, parts: Mapping[str, ModuleType]) -> None:
    """Parse ``words`` and run a part; its result goes to ``folder`` unless told otherwise."""
    parser = argparse.ArgumentParser(prog=Path(sys.argv[0]).name, description=about.split("\n")[0])
    chosen = parser.add_subparsers(dest="part", required=True)
    for name, part in parts.items():
        sub = chosen.add_parser(name, help=part.ABOUT, description=part.ABOUT)
        sub.add_argument("--out", type=Path, default=folder / f"{name}.json")
        part.arguments(sub)
    given = parser.parse_args(words)
    warnings.filterwarnings("ignore", category=FutureWarning)
    torch.set_num_threads(THREADS)
    parts[given.part].run(given, given.out)
