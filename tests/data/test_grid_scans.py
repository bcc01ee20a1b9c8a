"""Scans on the grid are found without a table; raw ones are refused with the command that prepares them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tlesynth.data.cohort import CohortWriter
from tlesynth.data.grid_scans import grid_scans, read_grid_scan
from tlesynth.errors import TlesynthError
from tlesynth.volume import GRIDS, write

GRID = GRIDS["mni-3mm"]


def derivatives(root: Path, brightest: float = 1.0) -> Path:
    writer = CohortWriter(root, GRID, "preproc", "Test", "Noise.")
    voxels = np.random.default_rng(0).random(GRID.shape).astype(np.float32)
    voxels[0, 0, 0] = brightest
    writer.write("sub-b", voxels, {})
    writer.finish(pd.DataFrame({"group": ["hc"]}, index=pd.Index(["sub-b"], name="participant_id")))
    return root


def test_scans_are_found_and_read_without_a_table(tmp_path: Path) -> None:
    root = derivatives(tmp_path)
    (root / "participants.tsv").unlink()
    ((name, path),) = grid_scans(root, GRID).items()
    assert name == "sub-b" and read_grid_scan(path, GRID).shape == GRID.shape


def test_another_grid_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TlesynthError, match="NII-030"):
        grid_scans(derivatives(tmp_path), GRIDS["mni-1.5mm"])


@pytest.mark.parametrize("session", ["", "ses-1/"])
def test_raw_scans_name_the_command(tmp_path: Path, session: str) -> None:
    file = tmp_path / f"sub-a/{session}anat/sub-a_T1w.nii.gz"
    file.parent.mkdir(parents=True)
    write(file, np.random.default_rng(0).random((16, 16, 16)).astype(np.float32), np.eye(4))
    with pytest.raises(TlesynthError, match=r"DATA-017.*tlesynth preprocess .* --set preprocess.grid=mni-3mm"):
        grid_scans(tmp_path, GRID)


def test_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TlesynthError, match="DATA-002"):
        grid_scans(tmp_path, GRID)
    with pytest.raises(TlesynthError, match="DATA-011"):
        grid_scans(tmp_path / "nowhere", GRID)


def test_intensities_beyond_one_are_refused(tmp_path: Path) -> None:
    (path,) = grid_scans(derivatives(tmp_path, brightest=7.0), GRID).values()
    with pytest.raises(TlesynthError, match=r"NII-031.*to 7"):
        read_grid_scan(path, GRID)
