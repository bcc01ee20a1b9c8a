"""The product on one GPU beside its peers: python benchmarks/gpu.py PART --help.

PART is kernels, agree, speed, heads, whole or table. Every part prints its result as JSON and writes it to
``benchmarks/gpu/`` (``--out`` elsewhere), after each figure anew: a run that is killed leaves what it has. ``--device
cpu --size tiny`` tries any part in a minute; ``machine.gpu`` is null then, and nothing in it is a GPU's figure. How to
read them: benchmarks/README.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent / "harness"))
    sys.path.append(str(Path(__file__).parent / "sampling"))  # its denoisers and generators are compared here too
    from script import main

    main(Path(__file__), __doc__ or "")
