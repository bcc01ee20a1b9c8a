"""What judging a synthetic cohort costs, and whether its gate works: python benchmarks/evaluation.py PART --help.

PART is cost, gate or table. Every part prints its result as JSON and writes it to ``benchmarks/evaluation/`` (``--out``
elsewhere). How to read them: benchmarks/README.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent / "harness"))
    from script import main

    main(Path(__file__), __doc__ or "")
