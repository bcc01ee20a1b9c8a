"""Failed scans are visible, written down, and cost nobody else a byte."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tlesynth import volume
from tlesynth.data.simulate import cohort, failures, simulate_cohort, subjects
from tlesynth.recipe import Simulate

SETTINGS = Simulate(n_hc=4, n_tle=4, voxel_mm=4.0, sites=2, failed_scans=0.5)


def block() -> np.ndarray:
    voxels = np.zeros((40, 48, 40), np.int16)
    voxels[10:30, 10:38, 5:35] = 1000
    return voxels


def spoilt(kind: str) -> tuple[np.ndarray, np.ndarray]:
    return failures.spoil(block(), np.diag([2.0, 2, 2, 1]), kind, np.random.default_rng(1))


def test_a_cut_field_of_view_loses_the_lower_brain_and_keeps_the_rest_in_place() -> None:
    voxels, affine = spoilt("cropped")
    lost = 40 - voxels.shape[2]
    assert 5 + 0.35 * 29 - 1 <= lost <= 5 + 0.5 * 29 + 1
    assert affine[2, 3] == 2 * lost and np.array_equal(voxels, block()[:, :, lost:])


def test_ghosts_stand_in_front_of_and_behind_the_head() -> None:
    voxels, affine = spoilt("ghosting")
    assert voxels[20, :8, 20].any() and voxels[20, 40:, 20].any() and not voxels[:5].any()
    assert voxels.dtype == np.int16 and np.array_equal(affine, np.diag([2.0, 2, 2, 1]))


def test_heavy_noise_has_its_size() -> None:
    voxels, _ = spoilt("noise")
    assert voxels[12:28, 12:36, 8:32].std() == pytest.approx(300, rel=0.1) and voxels[:5].mean() > 100


def test_the_share_is_exact_and_the_same_in_both_groups() -> None:
    settings = Simulate(n_hc=100, n_tle=50, failed_scans=0.06)
    people = subjects.design(settings, 3)
    chosen = failures.choose(people, settings, 3)
    groups = [a.group for a in people if a.participant_id in chosen]
    assert groups.count("hc") == 6 and groups.count("tle") == 3
    assert set(chosen.values()) == set(failures.KINDS)
    assert not failures.choose(people, settings.model_copy(update={"failed_scans": 0.0}), 3)


def test_switching_them_on_changes_no_other_subject(tmp_path: Path) -> None:
    for name, share in (("with", 0.5), ("without", 0.0)):
        simulate_cohort(SETTINGS.model_copy(update={"failed_scans": share}), tmp_path / name, seed=3, jobs=1)
    truth = pd.read_csv(tmp_path / "with" / cohort.TRUTH / "truth.tsv", sep="\t", index_col="participant_id")
    assert (truth.failed != "no").sum() == 4
    for name, failed in truth.failed.items():
        one, other = (cohort.scan_path(tmp_path / f, str(name)).read_bytes() for f in ("with", "without"))
        assert (one == other) == (failed == "no"), name
        volume.read(cohort.scan_path(tmp_path / "with", str(name)))
    plain = pd.read_csv(tmp_path / "without" / cohort.TRUTH / "truth.tsv", sep="\t", index_col="participant_id")
    assert truth.drop(columns="failed").equals(plain.drop(columns="failed")) and (plain.failed == "no").all()
