"""Whether a reconstruction is made of blocks: steps between voxels are larger where a block ends than inside it.

The spectrum of the error does not see this well: blocks differ from each other at random, so that they have no wave in
common. Where their borders lie is what repeats.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLOCK = 4
"""Voxels of a side that one latent voxel stands for."""
LEAST_STEP = 1e-12


def block_edges(original: NDArray[np.floating], reconstruction: NDArray[np.floating], axis: int) -> float:
    """How much larger the steps at one place in every four are than at the other three, dB; about 0 without blocks.

    Mean squared steps along ``axis`` of both volumes (X, Y, Z) are sorted by their place modulo 4; the reconstruction's
    are divided by the original's, so that anatomy, which has its own place on the grid, cancels.
    """
    ratio = _steps(reconstruction, axis) / np.maximum(_steps(original, axis), LEAST_STEP)
    place = int(ratio.argmax())
    others = float(np.delete(ratio, place).mean())
    return float(10 * np.log10(max(float(ratio[place]), LEAST_STEP) / max(others, LEAST_STEP)))


def _steps(volume: NDArray[np.floating], axis: int) -> NDArray[np.float64]:
    """Mean squared difference of neighbours along ``axis``, by the place of the first modulo 4: (4,)."""
    squared = np.diff(np.asarray(volume, np.float32), axis=axis) ** 2
    along = squared.mean(axis=tuple(a for a in range(3) if a != axis), dtype=np.float64)
    return np.array([along[place::BLOCK].mean() for place in range(BLOCK)])
