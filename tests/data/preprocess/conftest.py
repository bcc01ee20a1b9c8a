"""A cohort whose scans take no time: the preparation is replaced by one that depends on the voxels alone."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tlesynth import durable, volume
from tlesynth.data.cohort import write_dataset_description
from tlesynth.data.preprocess import subject
from tlesynth.data.preprocess.preparation import Prepared
from tlesynth.data.preprocess.quality import Quality
from tlesynth.errors import fail
from tlesynth.recipe import Preprocess
from tlesynth.volume import GRIDS, Volume

GRID = GRIDS["mni-3mm"]
BROKEN = 5.0
"""Largest value of a scan that the stand-in refuses."""


def stand_in(scan: Volume, settings: Preprocess, *, seed: int = 0, given_mask: Volume | None = None) -> Prepared:
    """A brain made of the scan's first voxels, with every kind of map."""
    if scan.voxels.max() == BROKEN:
        raise fail("REG-001", "", "a broken scan")
    rng = np.random.default_rng(int(1000 * scan.voxels.flat[0]) + seed % 97)
    mask = np.zeros(GRID.shape, bool)
    mask[10:46, 10:58, 10:46] = True
    voxels = np.where(mask, rng.uniform(0.1, 1, GRID.shape), 0).astype(np.float32)
    sound = {"snr": 10, "cnr": 2, "cjv": 0.4, "mask_ml": 1400, "dice": 0.96, "correlation": 0.8, "determinant": 1}
    quality = Quality(**sound, contrast=0.3, noise_snr=20, poles=1)
    method = "given" if given_mask is not None else "template"
    maps = {"gm": voxels, "jacobian": voxels + 0.5}
    return Prepared(voxels, mask, np.eye(4), quality, method, maps, {"hippocampus_left_native_mm3": 3000.5})


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Preprocess:
    """Settings under which a subject takes milliseconds, in this process."""
    monkeypatch.setattr(subject, "prepare", stand_in)
    return Preprocess(grid="mni-3mm", jobs=1, subject_seconds=0)


def write_scan(root: Path, name: str, value: float, largest: float = 4.0) -> Path:
    path = root / name / "anat" / f"{name}_T1w.nii.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    voxels = np.linspace(0.5, largest, 32**3, dtype=np.float32).reshape(32, 32, 32)
    voxels[0, 0, 0] = value
    volume.write(path, voxels, np.diag([4.0, 4.0, 4.0, 1.0]), dtype="float32")
    return path


@pytest.fixture
def scans(tmp_path: Path) -> Callable[..., Path]:
    """Writes a raw cohort of n scans, half of them patients; those in ``broken`` are refused."""

    def cohort(n: int = 8, broken: tuple[int, ...] = ()) -> Path:
        root = tmp_path / "bids"
        for i in range(n):
            write_scan(root, f"sub-{i:02d}", 0.01 * (i + 1), BROKEN if i in broken else 4.0)
        rows = [(f"sub-{i:02d}", "tle" if i % 2 else "hc") for i in range(n)]
        durable.write_table(root / "participants.tsv", pd.DataFrame(rows, columns=["participant_id", "group"]))
        write_dataset_description(root, "Test", "raw", "Scans for a test.")
        return root

    return cohort
