"""Both hippocampi of a T1 in affine MNI space, by warping the template's mesial temporal lobe onto it.

On simulated heads at 3 mm, preprocessed, it follows the true asymmetry with r = 0.79, where the grey matter in a fixed
tube reaches 0.30: a healthy hippocampus lies millimetres from the template's, and a fixed region mistakes that for
loss. How it does on real heads: docs/metrics.md, "The disease".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tlesynth.data.structures import structures
from tlesynth.volume import Grid


@dataclass(frozen=True)
class Hippocampi:
    """Volumes in mm3 (MNI space)."""

    left: float
    right: float

    @property
    def asymmetry(self) -> float:
        """200 (R - L) / (R + L), percent; positive where the left is smaller."""
        return 200 * (self.right - self.left) / (self.right + self.left)


def hippocampi(volume: NDArray[np.floating], grid: Grid) -> Hippocampi | None:
    """Hippocampal volumes of a T1 (X, Y, Z) on [0, 1], background 0; None where no three tissues can be told apart."""
    found = structures(volume, grid)
    if found is None:
        return None
    return Hippocampi(found.registered["hippocampus_left"], found.registered["hippocampus_right"])
