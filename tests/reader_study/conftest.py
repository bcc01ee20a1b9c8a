"""Two small cohorts of phantoms and one study of them; tests that change a study make a copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from phantom_cohorts import write_cohorts

from tlesynth.reader_study.create import Made, Plan, Sources, create


@pytest.fixture(scope="session")
def cohorts(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    """20 real and 20 synthetic scans (half of each TLE, sides in turn); the last four real ones were learnt from."""
    folder = tmp_path_factory.mktemp("cohorts")
    write_cohorts(folder, "real", "synthetic")
    return Sources(folder / "real", folder / "synthetic", folder / "splits.tsv")


@pytest.fixture(scope="session")
def made(cohorts: Sources, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A yes-no study of 16 scans by two readers, two warm-ups, two repeats."""
    return create(cohorts, Plan("yes-no", 16, 2, 2, 2, seed=3), tmp_path_factory.mktemp("study") / "study")


@pytest.fixture
def copied(made: Made, tmp_path: Path) -> Path:
    """A copy of the study to spoil."""
    return Path(shutil.copytree(made.folder, tmp_path / "study"))
