"""A benchmark's script: its threads are set before torch is loaded, its parts lie in the folder of its name."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main(script: Path, about: str) -> None:
    """Run one part of the benchmark ``script``; ``about`` is what its help says."""
    # Read once, when torch loads its threads: waiting threads that spin would be counted as work.
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    os.environ["OMP_NUM_THREADS"] = "2"
    folder = script.with_suffix("")
    sys.path.insert(0, str(folder))
    from commands import run
    from parts import COMMANDS
    from table import table

    run(sys.argv[1:], folder, about, COMMANDS, table)
