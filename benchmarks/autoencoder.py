"""The autoencoder beside its peers: python benchmarks/autoencoder.py PART --help.

PART is speed, memory, loader, shapes, executor or quality. Every part prints its result as JSON and writes it to
``benchmarks/autoencoder/`` (``--out`` elsewhere). How to read them: benchmarks/README.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent / "harness"))
    from script import main

    main(Path(__file__), __doc__ or "")
