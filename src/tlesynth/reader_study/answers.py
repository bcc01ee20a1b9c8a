"""Answers of the readers: taken once each, revised only by an explicit new version, never changed or lost.

Every row carries the SHA-256 of itself and of the row before it, so that a row changed behind our back is found.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlesynth.errors import fail
from tlesynth.reader_study.database import Database, now, open_database, reading

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("reader", "trial", "choice", "confidence", "seconds", "display", "regions", "comment", "submitted_at")
START = "0" * 64
"""What stands before the first row of the chain."""


@dataclass(frozen=True)
class Answer:
    """What a reader says of one trial."""

    choice: str
    confidence: int
    """1 (a guess) to 6 (certain)."""
    seconds: float
    """How long the page was visible."""
    display: str = "webgl"
    """webgl or slices."""
    regions: tuple[Mapping[str, float], ...] = ()
    """Suspicious points: ``item`` (0, 1) and ``x``, ``y``, ``z`` in mm."""
    comment: str = ""
    recognised: bool = False
    """The reader has seen this scan outside the study."""
    anatomy: int = 0
    """1 (impossible) to 5 (no fault), where the study asks for it; else 0."""
    answered_at: str = ""
    """The reader's own clock."""

    @property
    def content(self) -> str:
        """What makes two answers the same: everything but times."""
        said = [self.choice, self.confidence, self.display, [dict(region) for region in self.regions], self.comment]
        return json.dumps([*said, self.recognised, self.anatomy], sort_keys=True)


@dataclass(frozen=True)
class Receipt:
    """An answer that is on the disk."""

    sequence: int
    version: int


class Refused(Exception):
    """An answer that is not taken: ``status`` as HTTP has it (404 unknown, 409 against the rules), and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


def open_answers(study: Path, identity: str, lists: Mapping[str, Sequence[tuple[str, str]]]) -> Database:
    """Open the study's database for writing, with each reader's ordered trials (trial, kind).

    Raises:
        TlesynthError: STUDY-020 if it is damaged, STUDY-021 if it was made for other trials.
    """
    database = open_database(study, identity)
    verify(database, study)
    wanted = [
        (reader, trial, place, kind) for reader, trials in lists.items() for place, (trial, kind) in enumerate(trials)
    ]
    kept = [tuple(row) for row in database.rows("SELECT reader, trial, place, kind FROM trial")]
    if not kept:
        with database.transaction() as connection:
            connection.executemany("INSERT INTO reader (reader) VALUES (?)", [(reader,) for reader in lists])
            connection.executemany("INSERT INTO trial (reader, trial, place, kind) VALUES (?, ?, ?, ?)", wanted)
    elif sorted(kept) != sorted(wanted):
        raise fail("STUDY-021", study, "trials.json has changed since the first reader was invited")
    return database


def opened(database: Database, reader: str, trial: str) -> None:
    """Note that ``reader`` has been shown ``trial``, once."""
    where = (reader, trial)
    if database.rows("SELECT 1 FROM trial WHERE reader = ? AND trial = ? AND opened_at IS NULL", where):
        with database.transaction() as connection:
            connection.execute(
                "UPDATE trial SET opened_at = ? WHERE reader = ? AND trial = ? AND opened_at IS NULL", (now(), *where)
            )


def record(database: Database, reader: str, trial: str, answer: Answer, revises: int = 0) -> Receipt:
    """Put ``answer`` on the disk; the same answer once more is acknowledged and stored once.

    ``revises`` is the version that this one replaces, 0 for a first answer. Warm-ups are not revised, since their
    feedback has been seen.

    Raises:
        Refused: 404 for a trial that is not the reader's, 409 for an answer that another one already stands for, out of
            order, before the trial was shown, or after the reader or the study is finished.
    """
    with database.transaction() as connection:
        asked = connection.execute("SELECT * FROM trial WHERE reader = ? AND trial = ?", (reader, trial)).fetchone()
        if asked is None:
            raise Refused(404, "not found")
        versions = connection.execute(
            "SELECT * FROM answer WHERE reader = ? AND trial = ? ORDER BY version", (reader, trial)
        ).fetchall()
        if revises < len(versions):
            return _same(versions[revises], answer)
        if reason := _against(connection, asked, len(versions), revises):
            raise Refused(409, reason)
        return _added(connection, reader, trial, revises + 1, answer)


def finish(database: Database, reader: str) -> None:
    """Lock the list of a reader who has answered everything.

    Raises:
        Refused: 409 while answers are missing.
    """
    if progress(database, reader).current is not None:
        raise Refused(409, "some scans are not answered yet")
    with database.transaction() as connection:
        connection.execute(
            "UPDATE reader SET finished_at = ? WHERE reader = ? AND finished_at IS NULL", (now(), reader)
        )


def close(database: Database) -> None:
    """Take no more answers from anyone."""
    with database.transaction() as connection:
        connection.execute("UPDATE study SET closed_at = ? WHERE closed_at IS NULL", (now(),))


@dataclass(frozen=True)
class Progress:
    """How far a reader is."""

    done: int
    total: int
    current: str | None
    """The trial to answer now; None when all are answered."""
    locked: bool
    """Whether answers can no longer be changed."""


def progress(database: Database, reader: str) -> Progress:
    """How far ``reader`` is; knows no result."""
    rows = database.rows(
        "SELECT trial, EXISTS (SELECT 1 FROM answer a WHERE a.reader = t.reader AND a.trial = t.trial) AS answered "
        "FROM trial t WHERE reader = ? ORDER BY place",
        (reader,),
    )
    waiting = [row["trial"] for row in rows if not row["answered"]]
    state = database.rows("SELECT finished_at, closed_at FROM reader, study WHERE reader = ?", (reader,))
    locked = any(state[0]) if state else True
    return Progress(len(rows) - len(waiting), len(rows), waiting[0] if waiting else None, locked)


def latest(database: Database, reader: str, trial: str) -> tuple[Answer, int] | None:
    """The answer that stands for a trial and its version, or nothing."""
    rows = database.rows(
        "SELECT * FROM answer WHERE reader = ? AND trial = ? ORDER BY version DESC LIMIT 1", (reader, trial)
    )
    return (_answer(rows[0]), rows[0]["version"]) if rows else None


def read_answers(study: Path, identity: str | None = None) -> pd.DataFrame:
    """The answer that stands for each trial, in the server's order: ``COLUMNS``, version, recognised and anatomy.

    ``seconds`` are those of all versions together; ``regions`` are lists of points. A study that is not finished gives
    the answers there are. The chain of rows is checked first, and where ``identity`` is given, whose answers they are.

    Raises:
        TlesynthError: STUDY-011 if there is no database, STUDY-020 if it is damaged or a row was changed, STUDY-021 if
            it holds the answers of another study, as of a rehearsal.
    """
    import pandas as pd

    with reading(study) as database:
        verify(database, study)
        if identity is not None and (found := database.rows("SELECT identity FROM study")[0][0]) != identity:
            raise fail("STUDY-021", study, f"its answers are of {found}, the folder is of {identity}")
        rows = [dict(row) for row in database.rows("SELECT * FROM answer ORDER BY sequence")]
    table = pd.DataFrame(rows, columns=[*COLUMNS, "version", "recognised", "anatomy"])
    table["seconds"] = table.groupby(["reader", "trial"])["seconds"].transform("sum").astype(float)
    table["regions"] = [json.loads(text) for text in table["regions"]]
    return table.drop_duplicates(["reader", "trial"], keep="last").reset_index(drop=True)


def verify(database: Database, study: Path) -> None:
    """Check that no row of an answer was changed, added or taken out behind our back.

    Raises:
        TlesynthError: STUDY-020 that names the first row which does not follow from the one before it.
    """
    before = START
    for number, row in enumerate(database.rows("SELECT * FROM answer ORDER BY sequence"), start=1):
        if row["sequence"] != number or row["chain"] != _link(before, row):
            raise fail("STUDY-020", study, f"answer {number} is not the one that was given")
        before = row["chain"]


def _same(row: sqlite3.Row, answer: Answer) -> Receipt:
    if _answer(row).content != answer.content:
        raise Refused(409, "another answer stands for this scan; change it on purpose by going back to it")
    return Receipt(row["sequence"], row["version"])


def _against(connection: sqlite3.Connection, asked: sqlite3.Row, versions: int, revises: int) -> str:
    """Which rule a new answer breaks, or nothing."""
    reader, place = asked["reader"], asked["place"]
    state = connection.execute(
        "SELECT finished_at, closed_at FROM reader, study WHERE reader = ?", (reader,)
    ).fetchone()
    earlier = connection.execute(
        "SELECT count(*) FROM trial t WHERE reader = ? AND place < ? AND NOT EXISTS "
        "(SELECT 1 FROM answer a WHERE a.reader = t.reader AND a.trial = t.trial)",
        (reader, place),
    ).fetchone()[0]
    if any(state):
        return "answers can no longer be given"
    if revises > versions:
        return "there is no such version to change"
    if versions and asked["kind"] == "warm-up":
        return "a practice scan is answered once"
    if asked["opened_at"] is None:
        return "this scan has not been shown yet"
    return "an earlier scan waits for its answer" if earlier else ""


def _added(connection: sqlite3.Connection, reader: str, trial: str, version: int, answer: Answer) -> Receipt:
    last = connection.execute("SELECT sequence, chain FROM answer ORDER BY sequence DESC LIMIT 1").fetchone()
    row: dict[str, Any] = {
        "sequence": last["sequence"] + 1 if last else 1,
        "reader": reader,
        "trial": trial,
        "version": version,
    }
    row |= asdict(replace(answer, regions=())) | {"recognised": int(answer.recognised), "submitted_at": now()}
    row["regions"] = json.dumps([dict(region) for region in answer.regions], sort_keys=True)
    row["chain"] = _link(last["chain"] if last else START, row)
    names = ", ".join(row)
    connection.execute(f"INSERT INTO answer ({names}) VALUES ({', '.join('?' * len(row))})", tuple(row.values()))
    return Receipt(row["sequence"], version)


def _link(before: str, row: Mapping[str, Any] | sqlite3.Row) -> str:
    """SHA-256 of the chain so far and of what a row says."""
    said = {name: row[name] for name in sorted(row.keys()) if name != "chain"}
    return hashlib.sha256((before + json.dumps(said, sort_keys=True)).encode()).hexdigest()


def _answer(row: sqlite3.Row) -> Answer:
    kept = {
        name: row[name] for name in ("choice", "confidence", "seconds", "display", "comment", "answered_at", "anatomy")
    }
    return Answer(**kept, regions=tuple(json.loads(row["regions"])), recognised=bool(row["recognised"]))
