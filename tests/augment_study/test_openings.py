"""Every study that opens a run's test scans is counted once, wherever it lies."""

from pathlib import Path

import pytest

from tlesynth import durable
from tlesynth.augment_study.openings import record
from tlesynth.errors import TlesynthError


def test_each_study_is_counted_once_in_the_order_of_opening(tmp_path: Path) -> None:
    splits = tmp_path / "run" / "splits.tsv"
    durable.write_text(splits, "x")
    first, elsewhere = tmp_path / "run" / "augmentation", tmp_path / "elsewhere"
    assert [record(splits, first, "a"), record(splits, elsewhere, "a"), record(splits, first, "b")] == [1, 2, 3]
    assert [record(splits, first, "a"), record(splits, elsewhere, "a")] == [1, 2], "the same again is no other study"
    kept = durable.read_json(tmp_path / "run" / "splits_opened.json")
    assert [(one["study"], one["plan"]) for one in kept] == [
        ("augmentation", "a"),
        ("../elsewhere", "a"),
        ("augmentation", "b"),
    ]
    assert all(one["opened_at"] for one in kept)


def test_a_damaged_record_is_an_error(tmp_path: Path) -> None:
    durable.write_text(tmp_path / "splits_opened.json", "[")
    with pytest.raises(TlesynthError, match="DATA-001"):
        record(tmp_path / "splits.tsv", tmp_path / "augmentation", "a")
