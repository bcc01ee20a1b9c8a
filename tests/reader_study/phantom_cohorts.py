"""Cohorts of phantoms, real and blurred, for the tests of the reader study and of the run that rehearses one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from scipy import ndimage

from tlesynth import durable
from tlesynth.data.cohort import CohortWriter
from tlesynth.volume import GRIDS

GRID = GRIDS["mni-3mm"]
SIDES = ("left", "right")


def write_cohorts(folder: Path, real: str, synthetic: str) -> None:
    """20 real and 20 synthetic scans (half of each TLE, sides in turn); the last four real ones were learnt from."""
    for name, lies, blur in (("real", real, 0.0), ("synthetic", synthetic, 0.7)):
        _cohort(folder / lies, name, blur)
    table = durable.read_table(folder / real / "participants.tsv")[["participant_id", "group"]]
    table["split"] = ["test"] * 14 + ["val"] * 2 + ["gen_train"] * 4
    durable.write_table(folder / "splits.tsv", table)


def _cohort(root: Path, name: str, blur: float) -> None:
    draw = np.random.default_rng(len(name))
    writer = CohortWriter(root, GRID, "preproc", name, "phantoms")
    ids = [f"sub-{name}{number:02d}" for number in range(20)]
    groups = ["hc", "tle"] * 10
    sides = [SIDES[number // 2 % 2] if group == "tle" else None for number, group in enumerate(groups)]
    for subject in ids:
        voxels = phantom(draw)
        writer.write(subject, ndimage.gaussian_filter(voxels, blur) if blur else voxels, {})
    writer.finish(pd.DataFrame({"group": groups, "side": sides}, index=ids))


def phantom(draw: np.random.Generator) -> np.ndarray:
    """A brain of noisy tissue on [0, 1], (X, Y, Z) float32."""
    x, y, z = GRID.world()
    brain = (x / 60) ** 2 + ((y + 18) / 74) ** 2 + ((z - 12) / 52) ** 2 < draw.normal(1, 0.03)
    tissue = 0.6 + 0.15 * np.sin(x / 7) * np.cos(y / 8) + draw.normal(0, 0.06, GRID.shape)
    return (brain * np.clip(tissue, 0.05, 1)).astype(np.float32)
