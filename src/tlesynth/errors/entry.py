"""One row of the registry of errors."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """What happened, what to do, and the process's exit status."""

    what: str
    remedy: str
    exit_status: int
