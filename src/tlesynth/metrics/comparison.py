"""Everything the quality gate measures on one scan and its reconstruction."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tlesynth.data.hippocampus import hippocampi
from tlesynth.data.resampling import WORK
from tlesynth.metrics.blocks import block_edges
from tlesynth.metrics.fidelity import fidelity
from tlesynth.metrics.spectrum import grid_artefacts
from tlesynth.volume import Grid


def compare(x: NDArray[np.float32], x_hat: NDArray[np.float32], grid: Grid) -> dict[str, float]:
    """Every figure of one scan and its reconstruction, (X, Y, Z) on [0, 1]; NaN where one cannot be measured.

    ``hippocampus_bias_left`` and ``_right`` are relative: 0.02 is 2 % too large. A reconstruction in which the three
    tissues can no longer be told apart has lost its hippocampi: -1.
    """
    found: dict[str, float] = dict(vars(fidelity(x, x_hat, grid)))
    found |= {f"grid_{axis}_{period}_db": v for (axis, period), v in grid_artefacts(x_hat - x).items()}
    found |= {f"grid_{name}_blocks_db": block_edges(x, x_hat, axis) for axis, name in enumerate("xyz")}
    true, made = (hippocampi(v, grid) if grid.spacing <= WORK.spacing else None for v in (x, x_hat))
    for side in ("left", "right"):
        known, rebuilt = (getattr(h, side) if h else float("nan") for h in (true, made))
        found |= {f"hippocampus_{side}": known, f"hippocampus_{side}_rebuilt": rebuilt}
        found[f"hippocampus_bias_{side}"] = -1.0 if true and not made else rebuilt / known - 1
    found["hippocampus_bias"] = (found["hippocampus_bias_left"] + found["hippocampus_bias_right"]) / 2
    return found
