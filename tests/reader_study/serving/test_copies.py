"""Copies of the answers: whole, with their checksum, the last ones kept."""

from pathlib import Path

from tlesynth import durable
from tlesynth.reader_study.answers import Answer, open_answers, opened, read_answers, record
from tlesynth.reader_study.serving import copies

LISTS = {"A": [("a0", "case"), ("a1", "case")]}


def test_a_copy_holds_every_acknowledged_answer_and_can_take_the_place_of_the_original(tmp_path: Path) -> None:
    database = open_answers(tmp_path / "study", "s", LISTS) if (tmp_path / "study").mkdir() is None else None
    assert database is not None
    opened(database, "A", "a0")
    record(database, "A", "a0", Answer("", 3, 1.0))
    copy = copies.copy(database, tmp_path / "study")
    assert copy.with_suffix(".sha256").read_text() == f"{durable.sha256(copy)}  {copy.name}\n"
    restored = tmp_path / "restored"
    restored.mkdir()
    (restored / "study.sqlite").write_bytes(copy.read_bytes())
    assert list(read_answers(restored)["trial"]) == ["a0"]
    again = open_answers(restored, "s", LISTS)
    opened(again, "A", "a1")
    assert record(again, "A", "a1", Answer("", 4, 1.0)).sequence == 2


def test_old_copies_go(tmp_path: Path) -> None:
    database = open_answers(tmp_path, "s", LISTS)
    made = [copies.copy(database, tmp_path, kept=2) for _ in range(4)]
    assert sorted((tmp_path / "backups").iterdir()) == sorted(
        [*made[2:], *(m.with_suffix(".sha256") for m in made[2:])]
    )


def test_the_first_copy_is_made_at_once(tmp_path: Path) -> None:
    database = open_answers(tmp_path, "s", LISTS)
    stop = copies.keep_copying(database, tmp_path, every=0.01)
    for _ in range(500):
        if len(list((tmp_path / "backups").glob("*.sqlite"))) >= 2:
            break
        stop.wait(0.01)
    stop.set()
    assert len(list((tmp_path / "backups").glob("*.sqlite"))) >= 2
