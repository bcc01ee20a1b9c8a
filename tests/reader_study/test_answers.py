"""Answers: acknowledged ones are stored once, revisions are on purpose, and nothing changes unseen."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from tlesynth.errors import TlesynthError
from tlesynth.reader_study import answers
from tlesynth.reader_study.answers import Answer, Refused, open_answers, read_answers, record
from tlesynth.reader_study.database import NAME, Database

LISTS = {"A": [("a0", "warm-up"), ("a1", "case"), ("a2", "case")], "B": [("b0", "case")]}
SURE = Answer("left", 6, 12.5, "webgl", ({"item": 0, "x": 1.5, "y": -2.0, "z": 3.0},), "dark spot")


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return open_answers(tmp_path, "s1", LISTS)


def answered(database: Database, *trials: str, reader: str = "A") -> None:
    for trial in trials:
        answers.opened(database, reader, trial)
        record(database, reader, trial, SURE)


def test_an_answer_comes_back_as_it_was_given(database: Database, tmp_path: Path) -> None:
    answered(database, "a0")
    row = read_answers(tmp_path).iloc[0]
    assert (row.reader, row.trial, row.choice, row.confidence, row.seconds) == ("A", "a0", "left", 6, 12.5)
    assert row.regions == [{"item": 0, "x": 1.5, "y": -2.0, "z": 3.0}]
    assert (row.comment, row.display, row.version, row.recognised) == ("dark spot", "webgl", 1, 0)
    assert list(read_answers(tmp_path).columns[:9]) == list(answers.COLUMNS)


def test_the_same_answer_again_is_acknowledged_and_stored_once(database: Database, tmp_path: Path) -> None:
    answered(database, "a0")
    again = record(database, "A", "a0", replace(SURE, seconds=99.0, answered_at="later"))
    assert (again.sequence, again.version) == (1, 1)
    assert len(read_answers(tmp_path)) == 1


def test_another_answer_is_refused_unless_it_says_which_version_it_replaces(database: Database, tmp_path: Path) -> None:
    answered(database, "a0", "a1")
    other = replace(SURE, confidence=2, seconds=3.0)
    with pytest.raises(Refused, match="another answer stands"):
        record(database, "A", "a1", other)
    assert record(database, "A", "a1", other, revises=1).version == 2
    assert record(database, "A", "a1", other, revises=1).version == 2  # the same revision, sent twice
    assert record(database, "A", "a1", SURE).version == 1  # the first POST, replayed, changes nothing
    table = read_answers(tmp_path).set_index("trial")
    assert (table.loc["a1", "confidence"], table.loc["a1", "seconds"], table.loc["a1", "version"]) == (2, 15.5, 2)
    kept = database.rows("SELECT confidence FROM answer WHERE trial = 'a1' ORDER BY version")
    assert [row[0] for row in kept] == [6, 2]


def test_practice_is_not_answered_twice(database: Database) -> None:
    answered(database, "a0")
    with pytest.raises(Refused, match="practice"):
        record(database, "A", "a0", replace(SURE, confidence=1), revises=1)


@pytest.mark.parametrize(
    ("reader", "trial", "status"),
    [("A", "b0", 404), ("A", "none", 404), ("nobody", "a0", 404), ("A", "a0", 409), ("A", "a2", 409)],
)
def test_foreign_unseen_and_later_trials_are_refused(database: Database, reader: str, trial: str, status: int) -> None:
    if trial == "a2":
        answers.opened(database, "A", "a2")
    with pytest.raises(Refused) as caught:
        record(database, reader, trial, SURE)
    assert caught.value.status == status
    assert database.rows("SELECT count(*) FROM answer")[0][0] == 0


def test_progress_leads_through_the_list_and_the_end_locks_it(database: Database) -> None:
    assert answers.progress(database, "A") == answers.Progress(0, 3, "a0", False)
    with pytest.raises(Refused, match="not answered"):
        answers.finish(database, "A")
    answered(database, "a0", "a1", "a2")
    answers.finish(database, "A")
    assert answers.progress(database, "A") == answers.Progress(3, 3, None, True)
    with pytest.raises(Refused, match="no longer"):
        record(database, "A", "a1", replace(SURE, confidence=1), revises=1)
    assert record(database, "A", "a1", SURE).sequence == 2  # a late retry of what stands
    assert not answers.progress(database, "B").locked


def test_a_closed_study_takes_nothing_and_keeps_what_is_there(database: Database, tmp_path: Path) -> None:
    answered(database, "a0")
    answers.close(database)
    answers.opened(database, "A", "a1")
    with pytest.raises(Refused, match="no longer"):
        record(database, "A", "a1", SURE)
    assert list(read_answers(tmp_path)["trial"]) == ["a0"]


def test_a_reopened_study_goes_on_and_another_list_is_refused(database: Database, tmp_path: Path) -> None:
    answered(database, "a0")
    database.close()
    again = open_answers(tmp_path, "s1", LISTS)
    assert answers.progress(again, "A").current == "a1"
    assert answers.latest(again, "A", "a0") == (SURE, 1)
    again.close()
    with pytest.raises(TlesynthError, match="STUDY-021"):
        open_answers(tmp_path, "s1", LISTS | {"B": [("b1", "case")]})


@pytest.mark.parametrize("meddling", ["UPDATE answer SET confidence = 1", "DELETE FROM answer WHERE sequence = 2"])
def test_sql_cannot_change_an_answer_and_a_stubborn_one_is_found(
    database: Database, tmp_path: Path, meddling: str
) -> None:
    answered(database, "a0", "a1", "a2")
    with pytest.raises(sqlite3.IntegrityError, match="only added"), database.transaction() as connection:
        connection.execute(meddling)
    database.close()
    with sqlite3.connect(tmp_path / NAME) as connection:
        connection.execute("DROP TRIGGER answers_are_not_changed")
        connection.execute("DROP TRIGGER answers_are_not_deleted")
        connection.execute(meddling)
    with pytest.raises(TlesynthError, match=r"answer [123] is not the one"):
        read_answers(tmp_path)


def test_the_tables_know_no_truth(database: Database) -> None:
    columns = database.rows("SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c")
    names = " ".join(f"{table} {column}" for table, column in columns)
    assert "trial kind" in names
    assert not any(word in names for word in ("synth", "truth", "real", "group", "participant", "item"))


@pytest.mark.parametrize(
    "text", ["'; DROP TABLE answer; --", '" OR 1=1', "\0", "\u202e", "\ud800".encode("utf-8", "ignore").decode()]
)
def test_text_is_stored_as_it_is(database: Database, tmp_path: Path, text: str) -> None:
    answers.opened(database, "A", "a0")
    record(database, "A", "a0", replace(SURE, comment=text))
    assert read_answers(tmp_path)["comment"][0] == text
