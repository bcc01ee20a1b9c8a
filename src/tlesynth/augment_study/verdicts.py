"""What the study's classifiers said of the test scans: one table, and the same by subject and training.

::

    network  arm  split  seed  participant_id  truth  probability  called

``truth`` and ``called`` are 0 or 1; ``called`` is by the training's own threshold, which validation chose.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tlesynth import durable
from tlesynth.errors import fail

Floats = NDArray[np.floating]
Flags = NDArray[np.bool_]
Rows = NDArray[np.int64]
COLUMNS = ("network", "arm", "split", "seed", "participant_id", "truth", "probability", "called")


@dataclass(frozen=True, eq=False)
class Subjects:
    """Everybody who is judged, each once: ``table`` is indexed by participant_id, ``positive`` (N,) is the truth."""

    table: pd.DataFrame
    positive: Flags

    def __len__(self) -> int:
        return len(self.positive)


@dataclass(frozen=True, eq=False)
class Verdicts:
    """What one training said: ``rows`` (n,) of the subjects it judged, probability of the positive class, its calls."""

    split: str
    seed: int
    rows: Rows
    probability: Floats
    called: Flags


@dataclass(frozen=True, eq=False)
class Averaged:
    """One probability and one call for each subject that was judged, over all trainings that judged it."""

    rows: Rows
    probability: Floats
    called: Flags


def read_verdicts(paths: Iterable[Path]) -> pd.DataFrame:
    """The tables of several trainings as one.

    Raises:
        TlesynthError: DATA-011 or DATA-001 for a table that is missing or damaged.
    """
    found = []
    for path in paths:
        table = durable.read_table(path)
        if missing := [column for column in COLUMNS if column not in table]:
            raise fail("DATA-001", path, f"it has no column {missing[0]}")
        found.append(table[list(COLUMNS)])
    table = pd.concat(found, ignore_index=True)
    try:
        return table.astype({"seed": int, "truth": int, "called": int, "probability": float})
    except (ValueError, TypeError) as error:
        raise fail("DATA-001", "probabilities.tsv", str(error)) from error


def subjects_of(table: pd.DataFrame, people: pd.DataFrame) -> Subjects:
    """The subjects of ``table``, controls first, with what ``people`` (index participant_id) says of them."""
    known = table.drop_duplicates("participant_id").sort_values(["truth", "participant_id"])
    return Subjects(people.reindex(list(known["participant_id"])), known["truth"].to_numpy() > 0)


def verdicts_of(table: pd.DataFrame, subjects: Subjects) -> tuple[Verdicts, ...]:
    """The trainings of one network and arm in ``table``, in the order of split and seed."""
    place = {name: row for row, name in enumerate(subjects.table.index)}
    return tuple(
        Verdicts(
            str(split),
            int(seed),
            rows["participant_id"].map(place).to_numpy(np.int64),
            rows["probability"].to_numpy(np.float64),
            rows["called"].to_numpy() > 0,
        )
        for (split, seed), rows in table.groupby(["split", "seed"], sort=True)  # ty: ignore[not-iterable]
    )


def averaged(verdicts: Iterable[Verdicts], subjects: Subjects) -> Averaged:
    """Mean probability of each subject over the trainings that judged it, and whether at least half called it positive.

    A tie counts as a call, alike for every arm.
    """
    times, total, calls = np.zeros(len(subjects)), np.zeros(len(subjects)), np.zeros(len(subjects))
    for one in verdicts:
        times[one.rows] += 1
        total[one.rows] += one.probability
        calls[one.rows] += one.called
    rows = np.flatnonzero(times)
    return Averaged(rows, total[rows] / times[rows], calls[rows] / times[rows] >= 0.5)
