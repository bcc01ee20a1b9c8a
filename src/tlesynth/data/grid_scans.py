"""The volumes of a folder that preprocessing wrote, for whoever asks about scans, not people: no table needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tlesynth.data.cohort import volumes_in
from tlesynth.errors import fail
from tlesynth.volume import Grid, read_on

MOST = 1.001
"""A float16 or a scaled integer may miss 1 by a little."""


def grid_scans(root: Path, grid: Grid) -> dict[str, Path]:
    """The T1 on ``grid`` of each participant below ``root``, in the order of their ids.

    Raises:
        TlesynthError: DATA-011 if the folder is missing, DATA-017 if it holds raw scans alone, with the command that
            prepares them, NII-030 if its scans are on another grid, DATA-002 if there is none at all.
    """
    root = Path(root)
    if not root.is_dir():
        raise fail("DATA-011", root)
    named = volumes_in(root)
    found = {match[1]: file for file, match in named.items() if match[2] == grid.resolution}
    if found:
        return found
    if named:
        there = sorted({match[2] for match in named.values()})
        raise fail("NII-030", root, f"its scans are at res-{', '.join(there)}, the classifier reads {grid.name}")
    if any(root.glob("sub-*/**/anat/*_T1w.nii*")):
        command = f"tlesynth preprocess {root.name} derivatives --set preprocess.grid={grid.name}"
        raise fail("DATA-017", root, command)
    raise fail("DATA-002", root)


def read_grid_scan(path: Path, grid: Grid) -> np.ndarray:
    """A T1 (X, Y, Z) float32 on ``grid``, on [0, 1].

    Raises:
        TlesynthError: NII-031 if its intensities lie elsewhere, another NII code if it cannot be read.
    """
    voxels = read_on(path, grid)
    low, high = float(voxels.min()), float(voxels.max())
    if low < 0 or high > MOST:
        raise fail("NII-031", path, f"they reach from {low:.3g} to {high:.3g}")
    return voxels
