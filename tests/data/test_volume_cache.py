"""A cohort's volumes come back from one mapped file, made once; another cohort gets another."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tlesynth.data.cohort import Cohort, CohortWriter, read_cohort
from tlesynth.data.volume_cache import VOLUMES, volume_cache
from tlesynth.errors import TlesynthError
from tlesynth.volume import GRIDS, Grid

GRID = Grid("test-6mm", (28, 34, 28), 6.0, (-81.0, -117.0, -69.0))
IDS = ["sub-a", "sub-b", "sub-c"]


@pytest.fixture(autouse=True)
def known_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(GRIDS, GRID.name, GRID)


def cohort(root: Path, seed: int = 0) -> Cohort:
    writer = CohortWriter(root, GRID, "preproc", "Test", "Noise.")
    for k, participant_id in enumerate(IDS):
        writer.write(participant_id, np.random.default_rng(seed + k).random(GRID.shape, dtype=np.float32), {})
    writer.finish(pd.DataFrame({"group": ["hc", "tle", "tle"]}, index=pd.Index(IDS, name="participant_id")))
    return read_cohort(root)


def test_volumes_come_back_in_the_order_of_the_cohort(tmp_path: Path) -> None:
    read = cohort(tmp_path / "cohort")
    cache = volume_cache(read, tmp_path / "cache")
    assert isinstance(cache.volumes, np.memmap) and cache.rows == {"sub-a": 0, "sub-b": 1, "sub-c": 2}
    for participant_id, row in cache.rows.items():
        assert np.array_equal(cache.volumes[row], read.volume(participant_id).astype(np.float16))


def test_it_is_made_once_and_anew_for_a_changed_scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = volume_cache(cohort(tmp_path / "cohort"), tmp_path / "cache")
    with monkeypatch.context() as patch:
        patch.setattr(Cohort, "volume", lambda *_: pytest.fail("a cached scan was read again"))
        assert volume_cache(read_cohort(tmp_path / "cohort"), tmp_path / "cache").key == first.key
    changed = volume_cache(cohort(tmp_path / "cohort", seed=1), tmp_path / "cache")
    assert changed.key != first.key and not np.array_equal(changed.volumes[0], first.volumes[0])


def test_a_cut_file_is_refused(tmp_path: Path) -> None:
    read = cohort(tmp_path / "cohort")
    file = volume_cache(read, tmp_path / "cache").folder / VOLUMES
    file.write_bytes(file.read_bytes()[:-5000])
    with pytest.raises(TlesynthError, match="CKP-001"):
        volume_cache(read, tmp_path / "cache")
