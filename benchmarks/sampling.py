"""Sampling and the diffusion transformer beside their peers: python benchmarks/sampling.py PART --help.

PART is denoise, step, sample, scale, memory, shapes, variants, byheart, nearness, effect, whatif or table. Every part
prints its result as JSON and writes it to ``benchmarks/sampling/`` (``--out`` elsewhere); ``--volume tiny`` tries most
in seconds. How to read them: benchmarks/README.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent / "harness"))
    from script import main

    main(Path(__file__), __doc__ or "")
