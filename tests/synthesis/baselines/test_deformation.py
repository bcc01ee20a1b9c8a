"""Bent training scans: of the class that was asked for, of the training set alone, and still brains."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tlesynth.data.cohort import Cohort
from tlesynth.data.template import load_template
from tlesynth.errors import TlesynthError
from tlesynth.synthesis.baselines import deformation
from tlesynth.synthesis.baselines.deformation import Deformation, bent
from tlesynth.synthesis.requests import Subject
from tlesynth.volume import GRIDS, Grid

GRID = GRIDS["mni-3mm"]
PEOPLE = pd.DataFrame(
    {"group": ["hc", "hc", "tle", "tle", "tle"], "side": [None, None, "left", "right", "left"]},
    index=["sub-a", "sub-b", "sub-c", "sub-d", "sub-e"],
)
BRAIN = np.where(load_template(GRID).t1 > 0.1, load_template(GRID).t1, 0).astype(np.float32)


class Scans(Cohort):
    """Remembers which scans are read."""

    def volume(self, participant_id: str) -> np.ndarray:
        read.append(participant_id)
        return BRAIN


read: list[str] = []


@pytest.fixture
def rival(monkeypatch: pytest.MonkeyPatch) -> Deformation:
    read.clear()
    return Deformation(Scans(Path(), GRID, "preproc", PEOPLE), PEOPLE.drop("sub-e"), seed=2)


def flat(scan: np.ndarray, grid: Grid, random: np.random.Generator) -> np.ndarray:
    return scan


@pytest.mark.parametrize(
    ("asked", "allowed"),
    [
        ({"group": "hc"}, {"sub-a", "sub-b"}),
        ({"group": "tle"}, {"sub-c", "sub-d"}),
        ({"group": "tle", "side": "left", "age": "35"}, {"sub-c"}),
        ({}, {"sub-a", "sub-b", "sub-c", "sub-d"}),
    ],
)
def test_it_takes_training_scans_of_the_class(
    rival: Deformation, asked: dict[str, str], allowed: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deformation, "bent", flat)
    list(rival.volumes([Subject(f"sub-syn{i:04d}", asked) for i in range(40)], 0))
    assert set(read) == allowed


def test_a_class_without_a_training_scan_is_refused(rival: Deformation) -> None:
    few = Deformation(rival.cohort, PEOPLE.loc[["sub-a", "sub-c"]], seed=2)
    with pytest.raises(TlesynthError, match="no training scan has tle right") as caught:
        list(few.volumes([Subject("sub-syn0001", {"group": "tle", "side": "right"})], 0))
    assert caught.value.code == "CFG-011"


def test_a_brain_that_is_not_bent_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deformation, "RMS_MM", 0.0)
    np.testing.assert_allclose(bent(BRAIN, GRID, np.random.default_rng(0)), BRAIN, atol=1e-4)


def test_a_bent_brain_is_another_of_about_the_same_size(rival: Deformation) -> None:
    subjects = [Subject(f"sub-syn{i:04d}", {"group": "hc"}) for i in range(3)]
    made = list(rival.volumes(subjects, 0))
    for volume in made:
        assert volume.shape == GRID.shape and volume.dtype == np.float32
        assert volume.min() >= 0 and volume.max() <= 1.2
        assert (volume > 0.1).sum() == pytest.approx((BRAIN > 0.1).sum(), rel=0.05)
        assert 0.7 < np.corrcoef(volume.ravel(), BRAIN.ravel())[0, 1] < 0.999
    assert not np.allclose(made[0], made[1], atol=0.05)
    assert np.array_equal(next(rival.volumes(subjects[1:2], 0)), made[1])


def test_the_sidecar_does_not_say_whose_scan_it_was(rival: Deformation) -> None:
    facts = rival.sidecar(Subject("sub-syn0001", {"group": "hc"}), 0)
    assert facts["Generator"] == "baseline deformation" and not [n for n in PEOPLE.index if n in str(facts.values())]
