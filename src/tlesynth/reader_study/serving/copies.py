"""Copies of the answers beside them: one at the start and one an hour, each with its SHA-256; the last day is kept."""

from __future__ import annotations

import logging
import sqlite3
import threading
from datetime import UTC, datetime
from pathlib import Path

from tlesynth import durable
from tlesynth.errors import TlesynthError
from tlesynth.reader_study.database import BACKUPS, Database

EVERY_S = 3600.0
KEPT = 24
log = logging.getLogger("tlesynth.serve")


def copy(database: Database, study: Path, kept: int = KEPT) -> Path:
    """Write one copy of the database, named by the moment, and its checksum; the oldest beyond ``kept`` go."""
    path = study / BACKUPS / f"{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}.sqlite"
    database.copy_to(path)
    durable.write_text(path.with_suffix(".sha256"), f"{durable.sha256(path)}  {path.name}\n")
    for old in sorted(path.parent.glob("*.sqlite"))[:-kept]:
        old.unlink(missing_ok=True)
        old.with_suffix(".sha256").unlink(missing_ok=True)
    return path


def keep_copying(database: Database, study: Path, every: float = EVERY_S) -> threading.Event:
    """Copy now and every ``every`` seconds until the returned event is set."""
    stop = threading.Event()

    def work() -> None:
        while True:
            try:
                copy(database, study)
            except (TlesynthError, sqlite3.Error) as error:  # a full disk is no reason to stop taking answers
                log.error("no copy of the answers could be made: %s", error)
            if stop.wait(every):
                return

    threading.Thread(target=work, name="copies", daemon=True).start()
    return stop
