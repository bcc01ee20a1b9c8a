"""Who is it? One-time links become sessions; of both only the SHA-256 is kept.

A link carries its secret behind ``#``, which browsers never send, so that it stands in no log and no Referer.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass

from tlesynth.reader_study.answers import Refused
from tlesynth.reader_study.database import Database

ADMINISTRATOR = ""
"""Stands where a reader's name would."""
SECRET_BYTES = 32
SEEN_EVERY_S = 60.0
"""A session's last moment is written this often, not with each request."""
ADD = "INSERT INTO link (hash, who, given, expires_at) VALUES (?, ?, ?, ?)"


@dataclass(frozen=True)
class Lifetimes:
    """How long links and sessions hold, in seconds."""

    link: float = 30 * 86400.0
    idle: float = 30 * 60.0
    session: float = 12 * 3600.0


def issue(database: Database, who: str, lifetimes: Lifetimes) -> str:
    """A new one-time secret for ``who``, given to a person; earlier ones of theirs that nobody used end."""
    secret, moment = secrets.token_urlsafe(SECRET_BYTES), time.time()
    with database.transaction() as connection:
        connection.execute("UPDATE link SET expires_at = ? WHERE used_at IS NULL AND who = ?", (moment, who))
        connection.execute(ADD, (_hash(secret), who, "person", moment + lifetimes.link))
    return secret


def issue_all(database: Database, everyone: Iterable[str], lifetimes: Lifetimes) -> dict[str, str]:
    """A new one-time secret for each of ``everyone``, as a server prints them at its start.

    What an earlier start printed and nobody used ends, whoever it was for. What was given to a person stays: a reader
    who has paused comes back by it on another day.
    """
    secret_of, moment = {who: secrets.token_urlsafe(SECRET_BYTES) for who in everyone}, time.time()
    with database.transaction() as connection:
        connection.execute("UPDATE link SET expires_at = ? WHERE used_at IS NULL AND given = 'start'", (moment,))
        rows = [(_hash(secret), who, "start", moment + lifetimes.link) for who, secret in secret_of.items()]
        connection.executemany(ADD, rows)
    return secret_of


def enter(database: Database, secret: str) -> tuple[str, str]:
    """Use a link up: who it is, and the secret of a new session. Their other sessions end.

    Raises:
        Refused: 410 for a link that was used, is too old or never was; which of them is not told.
    """
    moment = time.time()
    with database.transaction() as connection:
        used = connection.execute(
            "UPDATE link SET used_at = ? WHERE hash = ? AND used_at IS NULL AND expires_at > ?",
            (moment, _hash(secret), moment),
        )
        if used.rowcount != 1:
            raise Refused(410, "this link was used already or is too old; ask for a new one")
        who = connection.execute("SELECT who FROM link WHERE hash = ?", (_hash(secret),)).fetchone()["who"]
        connection.execute("UPDATE session SET ended_at = ? WHERE who = ? AND ended_at IS NULL", (moment, who))
        session = secrets.token_urlsafe(SECRET_BYTES)
        connection.execute(
            "INSERT INTO session (hash, who, begun_at, seen_at) VALUES (?, ?, ?, ?)",
            (_hash(session), who, moment, moment),
        )
    database.tell(who, "login")
    return who, session


def whose(database: Database, session: str, lifetimes: Lifetimes) -> str | None:
    """Who a session belongs to; None if it has ended, rested too long, or never was."""
    moment = time.time()
    rows = database.rows("SELECT * FROM session WHERE hash = ? AND ended_at IS NULL", (_hash(session),))
    if not rows or moment > rows[0]["seen_at"] + lifetimes.idle or moment > rows[0]["begun_at"] + lifetimes.session:
        return None
    if moment > rows[0]["seen_at"] + SEEN_EVERY_S:
        with database.transaction() as connection:
            connection.execute("UPDATE session SET seen_at = ? WHERE hash = ?", (moment, _hash(session)))
    return rows[0]["who"]


def leave(database: Database, session: str) -> None:
    """End a session for good."""
    with database.transaction() as connection:
        connection.execute(
            "UPDATE session SET ended_at = ? WHERE hash = ? AND ended_at IS NULL", (time.time(), _hash(session))
        )


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
