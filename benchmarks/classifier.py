"""The paper's 2D classifier on a processor: python benchmarks/classifier.py PART --help.

PART is step, whole or table. Every part prints its result as JSON and writes it to ``benchmarks/classifier/``
(``--out`` elsewhere); ``step --network test_efficientnet --batch 8`` tries it in seconds, ``whole`` with ``--n 60 --set
classifier.network=test_efficientnet classifier.epochs=5`` on a cohort at 3 mm in a minute. How to read it:
benchmarks/README.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent / "harness"))
    from script import main

    main(Path(__file__), __doc__ or "")
