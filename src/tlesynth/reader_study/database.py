"""STUDY/study.sqlite: one connection that writes, and every commit on the disk before it is acknowledged.

One connection owns all writes because SQLite before 3.51.3 can damage a write-ahead log that two of them reset.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tlesynth import durable
from tlesynth.errors import fail

NAME = "study.sqlite"
BACKUPS = "backups"
SCHEMA = Path(__file__).with_name("schema.sql")
VERSION = 2
SHARED_DISKS = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "lustre", "gpfs", "beegfs", "ceph", "9p", "fuse.sshfs"}
"""File systems whose shared memory the write-ahead log cannot trust: there the rollback journal is used."""


class Database:
    """One SQLite connection that threads share; a transaction is on the disk when its block ends."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._turn = threading.RLock()

    @contextlib.contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """Yield the connection inside a transaction; commit if the block ends well."""
        with self._turn:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                # The disk may have been full at COMMIT: SQLite then has rolled back by itself.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def rows(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[sqlite3.Row]:
        """The rows of one query."""
        with self._turn:
            return self._connection.execute(sql, parameters).fetchall()

    def tell(self, who: str, what: str, detail: str = "") -> None:
        """Add an event to the record."""
        with self.transaction() as connection:
            connection.execute(
                "INSERT INTO event (at, who, what, detail) VALUES (?, ?, ?, ?)", (now(), who, what, detail)
            )

    def copy_to(self, path: Path) -> None:
        """Write a consistent copy of the whole database to ``path``."""
        with durable.replacing(path) as temporary, self._turn:
            self._connection.execute("VACUUM INTO ?", (str(temporary),))

    def close(self) -> None:
        """Let go of the file."""
        with self._turn:
            self._connection.close()


def now() -> str:
    """The server's time, UTC, as ISO 8601 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def open_database(study: Path, identity: str) -> Database:
    """Open the database of the study folder ``study`` for the one process that writes, making it if there is none.

    Raises:
        TlesynthError: STUDY-020 if it is damaged, STUDY-021 if it belongs to another study.
    """
    path = study / NAME
    if path.is_symlink():
        raise fail("STUDY-020", path, "it is a link")
    with _damage(path):
        database = Database(_connected(path))
        _lay_out(database, identity)
        _check(database, path, identity)
    return database


@contextlib.contextmanager
def reading(study: Path) -> Generator[Database]:
    """Open the database only to read, also while a server writes to it.

    Raises:
        TlesynthError: STUDY-011 if there is none, STUDY-020 if it is damaged.
    """
    path = study / NAME
    if not path.is_file():
        raise fail("STUDY-011", path, "nobody has logged in yet")
    with _damage(path):
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)
        connection.row_factory = sqlite3.Row
        with contextlib.closing(connection):
            yield Database(connection)


def in_memory() -> Database:
    """An empty database that ends with the process: for a server that keeps nothing but its sessions."""
    database = Database(_ready(sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)))
    _lay_out(database, "")
    return database


def _connected(path: Path) -> sqlite3.Connection:
    connection = _ready(sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10))
    os.chmod(path, 0o600)
    journal = "DELETE" if on_shared_disk(path) else "WAL"
    connection.execute(f"PRAGMA journal_mode = {journal}")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def _ready(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _lay_out(database: Database, identity: str) -> None:
    """Make the tables of a new file; a kill half-way leaves an empty one."""
    if database.rows("PRAGMA user_version")[0][0]:
        return
    with database.transaction() as connection:
        for statement in _statements(SCHEMA.read_text()):
            connection.execute(statement)
        connection.execute("INSERT INTO study (only_one, identity) VALUES (1, ?)", (identity,))
        connection.execute(f"PRAGMA user_version = {VERSION}")


def _statements(script: str) -> Iterator[str]:
    """The statements of a script one by one: ``executescript`` would commit what goes before."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _check(database: Database, path: Path, identity: str) -> None:
    if (version := database.rows("PRAGMA user_version")[0][0]) != VERSION:
        raise fail("STUDY-021", path, f"its layout is {version}, this tlesynth knows {VERSION}")
    if (found := database.rows("PRAGMA integrity_check")[0][0]) != "ok":
        raise fail("STUDY-020", path, f"{found}; {_last_copy(path)}")
    if database.rows("PRAGMA foreign_key_check"):
        raise fail("STUDY-020", path, f"rows point to rows that are not there; {_last_copy(path)}")
    if database.rows("SELECT identity FROM study")[0][0] != identity:
        raise fail("STUDY-021", path, "study.json has another id")


@contextlib.contextmanager
def _damage(path: Path) -> Generator[None]:
    """Turn SQLite's own complaints about a damaged file, met in this block, into STUDY-020."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError | sqlite3.IntegrityError):
            raise
        raise fail("STUDY-020", path, f"{error}; {_last_copy(path)}") from error


def _last_copy(path: Path) -> str:
    copies = sorted((path.parent / BACKUPS).glob("*.sqlite"))
    return f"the last copy is {BACKUPS}/{copies[-1].name}" if copies else "there is no copy"


def on_shared_disk(path: Path, mounts: Path = Path("/proc/self/mounts")) -> bool:
    """Whether ``path`` lies on a network file system, as far as the system tells."""
    if not mounts.is_file():
        return False
    kinds = {
        words[1].replace("\\040", " "): words[2] for line in mounts.read_text().splitlines() if (words := line.split())
    }
    places = [path.absolute(), *path.absolute().parents]
    return next((kinds[str(place)] in SHARED_DISKS for place in places if str(place) in kinds), False)
