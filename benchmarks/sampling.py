"""Sampling and the diffusion transformer beside their peers: python benchmarks/sampling.py PART --help.

PART is denoise, step, sample, scale, memory, shapes, variants, effect, whatif or table. Every part prints its result as
JSON and writes it to ``benchmarks/sampling/`` (``--out`` elsewhere); ``--volume tiny`` tries it in seconds. How to read
them: benchmarks/README.md.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

# Read once, when torch loads its threads: waiting threads that spin would be counted as work.
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
os.environ["OMP_NUM_THREADS"] = "2"
PARTS = Path(__file__).with_suffix("")


def main() -> None:
    """Run one part of the benchmark."""
    sys.path[:0] = [str(PARTS), str(PARTS.parent / "harness")]
    from commands import run
    from parts import COMMANDS

    run(sys.argv[1:], PARTS, __doc__ or "", COMMANDS)


if __name__ == "__main__":
    main()
