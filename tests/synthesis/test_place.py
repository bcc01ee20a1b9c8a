"""A cohort grows in its own folder; whatever else lies in one is left alone."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tlesynth.data.cohort import CohortWriter
from tlesynth.errors import TlesynthError
from tlesynth.synthesis.place import require_place
from tlesynth.volume import GRIDS

GRID = GRIDS["mni-3mm"]


def writer(root: Path, desc: str = "synthetic", title: str = "Synthetic T1 cohort") -> CohortWriter:
    return CohortWriter(root, GRID, desc, title, "Made for tests.")


def made(root: Path, *names: str, finished: bool = True, **kind: str) -> Path:
    one = writer(root, **kind)
    for name in names:
        one.write(name, np.ones(GRID.shape, np.float32), {})
    if finished:
        one.finish(pd.DataFrame({"group": ["hc"] * len(names)}, index=pd.Index(names)))
    return root


@pytest.mark.parametrize("finished", [True, False])
def test_a_cohort_of_the_same_kind_may_grow(finished: bool, tmp_path: Path) -> None:
    made(tmp_path / "out", "sub-a", finished=finished)
    (tmp_path / "out" / "outcomes.tsv").write_text("participant_id\n")
    (tmp_path / "out" / ".DS_Store").write_bytes(b"")
    require_place(writer(tmp_path / "out"), ["sub-a", "sub-b"], ["outcomes.tsv"])
    require_place(writer(tmp_path / "nowhere"), ["sub-a"])


def test_who_is_not_asked_for_is_not_left_behind(tmp_path: Path) -> None:
    with pytest.raises(TlesynthError, match=r"CFG-010.*sub-a, who is not asked for"):
        require_place(writer(made(tmp_path / "out", "sub-a", "sub-b")), ["sub-b"])


def raw(root: Path) -> Path:
    scan = root / "sub-01" / "anat" / "sub-01_T1w.nii.gz"
    scan.parent.mkdir(parents=True)
    scan.write_bytes(b"a person's")
    return root


def tables(root: Path) -> Path:
    root.mkdir()
    (root / "participants.tsv").write_text("participant_id\tgroup\nsub-01\thc\n")
    return root


def notes(root: Path) -> Path:
    made(root, "sub-a")
    (root / "notes.txt").write_text("mine")
    return root


@pytest.mark.parametrize(
    "folder",
    [
        raw,
        tables,
        notes,
        lambda root: made(root, "sub-a", desc="preproc", title="Scans"),
        lambda root: made(root, "sub-a", title="Another cohort"),
    ],
)
def test_whatever_else_lies_there_is_left_alone(folder: Callable[[Path], Path], tmp_path: Path) -> None:
    with pytest.raises(TlesynthError, match="CFG-005"):
        require_place(writer(folder(tmp_path / "out")), ["sub-a"])
