"""Steps that were refused because a loss or a gradient was not finite.

They are written down at once, in ``refused.json``: a run that is resumed from before such a step refuses it again, even
where the fault does not come back, and so ends with the same bits.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from tlesynth import durable
from tlesynth.errors import TlesynthError, fail
from tlesynth.training.rhythm import Limits

SHOWN_SAMPLES = 4


@dataclass(frozen=True)
class Refusal:
    """A step (from 1) of one learner that was not taken: what was not finite, at which rate, on whose samples."""

    step: int
    learner: str
    cause: str
    learning_rate: float
    samples: tuple[str, ...] = ()

    def __str__(self) -> str:
        more = ", ..." if len(self.samples) > SHOWN_SAMPLES else ""
        seen = f", scans {', '.join(self.samples[:SHOWN_SAMPLES])}{more}" if self.samples else ""
        return f"{self.cause} ({self.learner}, learning rate {self.learning_rate:.3g}{seen})"


class Refusals:
    """The refused steps of a run, on disk."""

    def __init__(self, folder: Path, *, leader: bool = True) -> None:
        """Read what ``folder`` knows; whoever is not the ``leader`` of several processes writes nothing.

        Raises:
            TlesynthError: CKP-001 if its refused.json cannot be read.
        """
        self.path, self.leader = folder / "refused.json", leader
        stored = durable.read_json(self.path, "CKP-001") if self.path.is_file() else []
        self.rows = [Refusal(**row | {"samples": tuple(row["samples"])}) for row in stored]

    def cause(self, step: int, learner: str) -> str:
        """Why this step of ``learner`` was refused before; empty if it was not."""
        return next((row.cause for row in self.rows if (row.step, row.learner) == (step, learner)), "")

    def add(self, refusal: Refusal) -> bool:
        """Write it down; whether it is a new one."""
        if self.cause(refusal.step, refusal.learner):
            return False
        self.rows.append(refusal)
        if self.leader:
            durable.write_json(self.path, [asdict(row) for row in self.rows])
        return True

    def in_a_row(self, step: int) -> int:
        """How many steps were refused one after the other, ``step`` the last of them."""
        refused, first = {row.step for row in self.rows}, step
        while first in refused:
            first -= 1
        return step - first

    def in_all(self, step: int) -> int:
        """How many steps up to ``step`` were refused."""
        return len({row.step for row in self.rows if row.step <= step})

    def too_many(self, step: int, limits: Limits) -> TlesynthError | None:
        """The error with which the run gives up after ``step``, or None while it bears them."""
        row, total = self.in_a_row(step), self.in_all(step)
        if row == 0 or (row < limits.in_a_row and total < limits.in_all):
            return None
        last = next(refusal for refusal in reversed(self.rows) if refusal.step <= step)
        counted = f"{row} steps in a row" if row >= limits.in_a_row else f"{total} steps in all"
        return fail("NUM-001", f"step {step}", f"{last}; {counted} were refused and none of them taken")
