"""A training learns its arm's scans with their labels; only classical varies them; what fails is written down."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tlesynth.augment_study import training
from tlesynth.augment_study.plan import Training
from tlesynth.augment_study.preparing import prepare
from tlesynth.augment_study.training import Task, do_training
from tlesynth.classifier.interface import ScanSet
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Augmentation

from .conftest import folders_of, small_recipe


@pytest.fixture
def task(run: Path, tmp_path: Path) -> Task:
    ready = prepare(folders_of(run), tmp_path, small_recipe(controls=("classical", "shuffled"), ratios=(1.0,)))
    return Task(Training("efficientnet", "shuffled", ready.design.splits[0], 1), ready.at)


def test_an_arms_scans_keep_their_origin_and_the_labels_they_are_taught_with(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, ScanSet] = {}

    def fit(scans: ScanSet, judges: ScanSet, *_: object) -> Path:
        seen.update(scans=scans, judges=judges)
        raise TlesynthError("NUM-001", "here", "seen enough")

    monkeypatch.setattr(training, "fit", fit)
    assert "seen enough" in do_training(task)
    assert seen["scans"].counts() == {"real": 12, "synthetic": 12}
    assert set(seen["judges"].ids) == set(task.training.split.val)
    own = np.array(["tle" in e.participant_id for e in seen["scans"].examples])
    real = np.array([e.origin == "real" for e in seen["scans"].examples])
    assert (seen["scans"].positive[real] == own[real]).all()
    assert (seen["scans"].positive[~real] != own[~real]).any(), "labels were shuffled"
    assert "seen enough" in training.why_failed(task) and not training.is_trained(task)


def test_permuted_labels_are_judged_by_permuted_labels(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    """True labels on validation would pick, of all guesses, one that is better than a guess."""
    seen: list[ScanSet] = []

    def fit(scans: ScanSet, judges: ScanSet, *_: object) -> Path:
        seen.extend((scans, judges))
        raise TlesynthError("NUM-001", "here", "seen enough")

    monkeypatch.setattr(training, "fit", fit)
    do_training(Task(replace(task.training, arm="permuted"), task.at))
    for scans in seen:
        own = np.array(["tle" in e.participant_id for e in scans.examples])
        assert own.sum() == scans.positive.sum() and (own != scans.positive).any()


def test_what_would_stop_all_others_too_is_raised(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> Path:
        raise TlesynthError("RES-001", "here", "no space")

    monkeypatch.setattr(training, "fit", full)
    with pytest.raises(TlesynthError, match="RES-001"):
        do_training(task)


def test_only_classical_varies_its_scans(task: Task) -> None:
    study = task.at.study
    assert task.at.classifier_of("cnn3d", "classical").augmentation == study.classical
    assert {task.at.classifier_of("cnn3d", a).augmentation == Augmentation() for a in ("real", "real+1")} == {True}


def test_a_training_given_up_says_why(task: Task) -> None:
    assert "took too long" in training.late(task) and "took too long" in training.why_failed(task)
    assert "died twice" in training.lost(task)
