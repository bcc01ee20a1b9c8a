"""The parts of a benchmark as subcommands of its script, and one that prints what they measured."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

import torch
from timing import THREADS

TABLE = "print the measured figures as Markdown tables, for benchmarks/README.md"


def run(
    words: list[str],
    folder: Path,
    about: str,
    parts: Mapping[str, ModuleType],
    table: Callable[[Path], list[str]],
) -> None:
    """Parse ``words`` and run a part; its result goes to ``folder`` unless told otherwise.

    ``table`` makes lines of the results in a folder.
    """
    parser = argparse.ArgumentParser(prog=Path(sys.argv[0]).name, description=about.split("\n")[0])
    chosen = parser.add_subparsers(dest="part", required=True)
    for name, part in parts.items():
        sub = chosen.add_parser(name, help=part.ABOUT, description=part.ABOUT)
        sub.add_argument("--out", type=Path, default=folder / f"{name}.json")
        part.arguments(sub)
    printing = chosen.add_parser("table", help=TABLE, description=TABLE)
    printing.add_argument("folder", type=Path, nargs="?", default=folder)
    given = parser.parse_args(words)
    if given.part == "table":
        print("\n".join(table(given.folder)))
        return
    warnings.filterwarnings("ignore", category=FutureWarning)
    torch.set_num_threads(THREADS)
    parts[given.part].run(given, given.out)
