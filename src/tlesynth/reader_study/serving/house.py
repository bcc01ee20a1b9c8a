"""What the routes share: the study, its lists, its items and its answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.requests import Request

from tlesynth.reader_study import answers
from tlesynth.reader_study.answers import Refused
from tlesynth.reader_study.database import Database
from tlesynth.reader_study.serving.items import Items
from tlesynth.reader_study.study import Study, Trial, read_study, read_trials
from tlesynth.reader_study.web.foundation import Door
from tlesynth.volume import GRIDS

MOST_REFUSALS = 200
"""Rows of the record that one reader's wrong requests may fill."""


@dataclass(frozen=True)
class House:
    """A study that is being served."""

    study: Study
    lists: dict[str, tuple[Trial, ...]]
    items: Items
    database: Database
    door: Door

    def reader(self, request: Request) -> str:
        """Which reader asks.

        Raises:
            Refused: 401 without a session; 404 for the administrator, who reads nothing.
        """
        who = self.door.who(request)
        if who not in self.lists:
            raise Refused(404, "not found")
        return who

    def state(self, reader: str) -> dict[str, Any]:
        """Where a reader is. Which trials are repeats is not told."""
        at, trials = answers.progress(self.database, reader), self.lists[reader]
        current = next((trial for trial in trials if trial.trial == at.current), None)
        return {
            "done": at.done,
            "total": at.total,
            "current": at.current,
            "practice": current is not None and current.kind == "warm-up",
            "answered": [trial.trial for trial in trials[: at.done] if trial.kind != "warm-up"],
            "locked": at.locked,
        }

    def trial(self, reader: str, trial: str) -> Trial:
        """A trial of this reader's own list.

        Raises:
            Refused: 404 for any other; it is the same whether another reader has it or nobody.
        """
        own = next((one for one in self.lists.get(reader, ()) if one.trial == trial), None)
        if own is None:
            self._note(reader)
            raise Refused(404, "not found")
        return own

    def shown(self, reader: str, trial: str, place: int) -> str:
        """The item in ``place`` of a trial that the reader may look at now.

        Raises:
            Refused: 404 where there is none, 409 for a trial whose turn has not come.
        """
        asked = self.trial(reader, trial)
        if not 0 <= place < len(asked.items):
            raise Refused(404, "not found")
        if trial != answers.progress(self.database, reader).current and not self.latest(reader, trial):
            raise Refused(409, "an earlier scan waits for its answer")
        answers.opened(self.database, reader, trial)
        return asked.items[place]

    def latest(self, reader: str, trial: str) -> tuple[answers.Answer, int] | None:
        """The answer that stands, with its version."""
        return answers.latest(self.database, reader, trial)

    def about(self) -> dict[str, Any]:
        """What every reader's page needs to know."""
        study, grid = self.study, GRIDS.get(self.study.grid)
        return {
            "design": study.design,
            "question": study.question,
            "scale": list(study.scale),
            "choices": dict(study.choices),
            "window": list(study.window),
            "shape": list(study.shape),
            "spacing": study.spacing_mm,
            "origin": list(grid.origin) if grid else [0.0, 0.0, 0.0],
            "volumes": len(next(iter(self.lists.values()))[0].items),
            "rehearsal": study.rehearsal,
            "convention": study.convention,
            "anatomy": list(study.anatomy),
        }

    def _note(self, reader: str) -> None:
        told = self.database.rows("SELECT count(*) FROM event WHERE who = ? AND what = 'refused'", (reader,))[0][0]
        if told < MOST_REFUSALS:
            self.database.tell(reader, "refused", "a trial that is not the reader's")


def open_house(folder: Path, door_of: Any) -> House:
    """Open the study in ``folder`` for serving; ``door_of`` makes the door once the database is there.

    Raises:
        TlesynthError: STUDY-001 or 006 where the folder is not as it was made, STUDY-020 or 021 for its database.
    """
    study, lists = read_study(folder), read_trials(folder)
    items = Items(folder, study)
    items.warm()
    orders = {reader: [(trial.trial, trial.kind) for trial in trials] for reader, trials in lists.items()}
    database = answers.open_answers(folder, study.id, orders)
    return House(study, lists, items, database, door_of(database))
