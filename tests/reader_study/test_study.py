"""The study folder: what is written is read back, and what was changed is refused."""

from dataclasses import replace
from pathlib import Path

import pytest

from tlesynth import durable
from tlesynth.errors import TlesynthError
from tlesynth.reader_study.study import (
    CHOICES,
    CONFIDENCES,
    DESIGNS,
    QUESTIONS,
    SCALES,
    Study,
    Trial,
    called,
    item_path,
    read_study,
    read_trials,
    verify_items,
    write_study,
)

ITEM = "0f" * 8
TRIALS = {"reader-1": (Trial("aa" * 16, "warm-up", (ITEM,), "a person"), Trial("bb" * 16, "case", (ITEM,)))}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    durable.write_bytes(item_path(tmp_path, ITEM), b"voxels")
    write_study(tmp_path, _study(tmp_path), TRIALS)
    return tmp_path


def _study(folder: Path) -> Study:
    digest = durable.sha256(item_path(folder, ITEM))
    asked = QUESTIONS["yes-no"], SCALES["yes-no"], CHOICES["yes-no"]
    return Study(
        "ab" * 8, "yes-no", 7, "2026-01-02T03:04:05", "mni-3mm", (56, 68, 56), 3.0, (0, 255), *asked, ("reader-1",),
        {ITEM: digest}, "cd" * 32,
    )  # fmt: skip


def test_a_study_is_read_as_it_was_written(folder: Path) -> None:
    assert read_study(folder) == _study(folder)
    assert read_trials(folder) == TRIALS
    verify_items(folder, read_study(folder))


@pytest.mark.parametrize("damage", ["changed", "missing", "added", "link"])
def test_items_that_are_not_those_of_the_study_are_refused(folder: Path, damage: str) -> None:
    path = item_path(folder, ITEM)
    if damage == "changed":
        path.write_bytes(b"Voxels")
    elif damage == "added":
        path.with_name("other.nii").write_bytes(b"")
    else:
        path.rename(folder / "elsewhere.nii")
        if damage == "link":
            path.symlink_to(folder / "elsewhere.nii")
    with pytest.raises(TlesynthError, match="STUDY-006"):
        verify_items(folder, read_study(folder))


@pytest.mark.parametrize("text", ["", "[]", '{"version": 1, "unknown": 2}', '{"version": 99}'])
def test_a_damaged_study_is_refused(folder: Path, text: str) -> None:
    (folder / "study.json").write_text(text)
    with pytest.raises(TlesynthError, match="STUDY-001"):
        read_study(folder)


@pytest.mark.parametrize("text", ["{", "[]", '{"reader-1": 3}', '{"reader-1": [{"trial": "x"}]}', '{"reader-1": [4]}'])
def test_a_damaged_list_of_trials_is_refused(folder: Path, text: str) -> None:
    (folder / "trials.json").write_text(text)
    with pytest.raises(TlesynthError, match="STUDY-001"):
        read_trials(folder)


def test_every_design_has_a_question_and_six_words_of_confidence() -> None:
    for design in DESIGNS:
        assert QUESTIONS[design] and len(SCALES[design]) == len(CONFIDENCES)
    assert [called(c) for c in CONFIDENCES] == [False, False, False, True, True, True]


def test_a_rehearsal_is_another_study(folder: Path) -> None:
    write_study(folder, replace(read_study(folder), rehearsal=True), TRIALS)
    assert read_study(folder).rehearsal
