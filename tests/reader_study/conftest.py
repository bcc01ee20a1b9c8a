"""Two small cohorts of phantoms and one study of them; tests that change a study make a copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from tlesynth import durable
from tlesynth.data.cohort import CohortWriter
from tlesynth.reader_study.create import Made, Plan, Sources, create
from tlesynth.volume import GRIDS

GRID = GRIDS["mni-3mm"]
SIDES = ("left", "right")


@pytest.fixture(scope="session")
def cohorts(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    """20 real and 20 synthetic scans (half of each TLE, sides in turn); the last four real ones were learnt from."""
    folder = tmp_path_factory.mktemp("cohorts")
    for name, blur in (("real", 0.0), ("synthetic", 0.7)):
        _cohort(folder / name, name, blur)
    table = durable.read_table(folder / "real" / "participants.tsv")[["participant_id", "group"]]
    table["split"] = ["test"] * 14 + ["val"] * 2 + ["gen_train"] * 4
    durable.write_table(folder / "splits.tsv", table)
    return Sources(folder / "real", folder / "synthetic", folder / "splits.tsv")


@pytest.fixture(scope="session")
def made(cohorts: Sources, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A yes-no study of 16 scans by two readers, two warm-ups, two repeats."""
    return create(cohorts, Plan("yes-no", 16, 2, 2, 2, seed=3), tmp_path_factory.mktemp("study") / "study")


@pytest.fixture
def copied(made: Made, tmp_path: Path) -> Path:
    """A copy of the study to spoil."""
    return Path(shutil.copytree(made.folder, tmp_path / "study"))


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
