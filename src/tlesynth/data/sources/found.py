"""What a source of scans gives: usable scans, participants left out, and what the reader should know."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Scan:
    """One T1-weighted scan and its participant; what is not known is None."""

    participant_id: str
    path: Path
    group: str
    side: str | None = None
    hs: str | None = None
    age: float | None = None
    sex: str | None = None
    site: str | None = None
    brain_mask: Path | None = None
    """A given brain mask in the scan's own space."""
    carried: tuple[tuple[str, str | None], ...] = ()
    """Columns of the tables that the recipe names as conditions, and what they say."""


@dataclass(frozen=True)
class Skipped:
    """A participant that cannot be used, and why."""

    participant_id: str
    code: str
    why: str


@dataclass(frozen=True)
class Undeclared:
    """A value of a table that the labels do not mention, and how many used participants have it."""

    column: str
    value: str
    count: int


@dataclass(frozen=True)
class Survey:
    """What a cohort holds, each part sorted by participant_id; paths of scans lie below ``root``."""

    scans: tuple[Scan, ...]
    skipped: tuple[Skipped, ...]
    root: Path = Path()
    choices: tuple[tuple[str, str], ...] = ()
    """Participants with several scans, and which was taken and why."""
    notes: tuple[str, ...] = ()
    undeclared: tuple[Undeclared, ...] = ()
    private: tuple[str, ...] = ()
    """Columns that may identify a person."""
