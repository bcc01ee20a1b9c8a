"""The one exception of tlesynth, and how its line is made: code, where, what, why, what to do."""

from __future__ import annotations

from pathlib import Path

from tlesynth.errors.registry import REGISTRY
from tlesynth.errors.stages import writer_of

MISSING_INPUT = "DATA-011"


class TlesynthError(Exception):
    """An error with a code of the registry; ``str()`` is the line a user sees."""

    def __init__(self, code: str, where: str = "", why: str = "") -> None:
        self.code, self.where, self.why = code, where, why
        super().__init__(str(self))

    @property
    def exit_status(self) -> int:
        """The process's exit status for this error."""
        return REGISTRY[self.code].exit_status

    @property
    def remedy(self) -> str:
        """The next step for the user."""
        return REGISTRY[self.code].remedy

    @property
    def finding(self) -> str:
        """The line without its next step, for a message that has one of its own."""
        where = f" {printable(self.where)}:" if self.where else ""
        why = f": {printable(self.why)}" if self.why else ""
        return f"error[{self.code}]{where} {REGISTRY[self.code].what}{why}"

    def __str__(self) -> str:
        return f"{self.finding}. Do: {self.remedy}"

    def __reduce__(self) -> tuple[type[TlesynthError], tuple[str, str, str]]:
        # Workers send errors back through a process pool.
        return (TlesynthError, (self.code, self.where, self.why))


def fail(code: str, where: str | Path = "", why: str = "") -> TlesynthError:
    """The error of ``code`` for the caller to raise; paths are shown relative to the working folder.

    Of a missing input that a run has by name, the reason left out names the stage that writes it.
    """
    return TlesynthError(code, shown(where), why or (writer_of(Path(where)) if code == MISSING_INPUT else ""))


def shown(path: str | Path) -> str:
    """``path`` as a message may show it: relative to the working folder, else its last three parts."""
    if not isinstance(path, Path) or not path.is_absolute():
        return str(path)
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        parts = path.parts
        return str(path) if len(parts) <= 4 else str(Path("...", *parts[-3:]))


def printable(text: str) -> str:
    """``text`` with control characters escaped, so that a file name cannot drive a terminal."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
