"""Which scans a classifier learns from or is judged on: a row of a volume cache, what it shows, where it is from.

A scan may stand in a set more than once (an arm of doubled scans), and with a label that is not its own (the control
whose labels are shuffled): the set is what the arm says it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tlesynth.data.cohort import Cohort
from tlesynth.data.volume_cache import VolumeCache
from tlesynth.durable import hash_of
from tlesynth.errors import fail
from tlesynth.volume import Grid

CLASSES = {"tle": ("hc", "tle"), "side": ("right", "left")}
"""By task: the words for a label of 0 and of 1."""
REAL, SYNTHETIC = "real", "synthetic"


@dataclass(frozen=True)
class Example:
    """One scan: a row of a cache, whether it is positive (see ``CLASSES``), and its origin in the results' words."""

    cache: VolumeCache
    row: int
    positive: bool
    origin: str = REAL

    @property
    def participant_id(self) -> str:
        """Whose scan it is."""
        return self.cache.cohort.ids[self.row]


@dataclass(frozen=True)
class ScanSet:
    """The scans of one arm, or those that judge; ``asked`` counts the synthetic ones that were asked for, if fewer
    were there."""

    name: str
    examples: tuple[Example, ...]
    asked: int | None = None

    def __len__(self) -> int:
        return len(self.examples)

    @property
    def grid(self) -> Grid:
        """The grid of all of them.

        Raises:
            TlesynthError: NII-030 if they lie on several, DATA-008 if there are none.
        """
        grids = {example.cache.cohort.grid for example in self.examples}
        if not grids:
            raise fail("DATA-008", self.name, "no scan")
        if len(grids) > 1:
            raise fail("NII-030", self.name, f"scans on {' and '.join(sorted(g.name for g in grids))}")
        return grids.pop()

    @property
    def positive(self) -> NDArray[np.bool_]:
        """(N,): which scans are of the positive class."""
        return np.array([example.positive for example in self.examples], bool)

    @property
    def ids(self) -> list[str]:
        """Whose scans they are."""
        return [example.participant_id for example in self.examples]

    def volumes(self, places: Iterable[int]) -> NDArray[np.float16]:
        """The scans at ``places`` of the set, read from their caches: (n, X, Y, Z) on [0, 1]."""
        chosen = [self.examples[place] for place in places]
        stack = np.empty((len(chosen), *self.grid.shape), np.float16)
        for row, example in enumerate(chosen):
            stack[row] = example.cache.volumes[example.row]
        return stack

    def average(self) -> NDArray[np.float16]:
        """The mean scan, (X, Y, Z)."""
        total = np.zeros(self.grid.shape, np.float64)
        for example in self.examples:
            total += example.cache.volumes[example.row]
        return (total / len(self)).astype(np.float16)

    def counts(self) -> dict[str, int]:
        """How many scans of each origin, as the results state them."""
        found = Counter(example.origin for example in self.examples)
        asked = {} if self.asked is None else {"synthetic_asked": self.asked}
        return {REAL: 0, SYNTHETIC: 0} | dict(sorted(found.items())) | asked

    def digest(self) -> str:
        """What tells this set from any other: each scan's cohort, participant, label and origin, in order."""
        rows = [[e.cache.key, e.row, e.positive, e.origin] for e in self.examples]
        return hash_of(rows)

    def require_both_classes(self) -> None:
        """Raise DATA-008 if all scans are of one class."""
        if len(set(self.positive.tolist())) < 2:
            raise fail("DATA-008", self.name, f"{len(self)} scans, all of one class")


def labels_of(cohort: Cohort, task: str) -> dict[str, bool]:
    """Whether each participant that ``task`` is about is positive.

    tle: patients (positive) against controls. side: patients whose seizures start on the left (positive) against those
    with the right; controls, and patients whose side is not known, are not asked about.
    """
    table = cohort.participants
    if task == "side":
        table = table[(table["group"] == "tle") & table["side"].isin(CLASSES[task])]
    column = "side" if task == "side" else "group"
    return {str(i): value == CLASSES[task][1] for i, value in table[column].items()}


def classes_of(cohort: Cohort, task: str) -> pd.Series:
    """The same in the words of ``CLASSES``, by participant."""
    return pd.Series({i: CLASSES[task][positive] for i, positive in labels_of(cohort, task).items()}, dtype=object)


def examples_of(cache: VolumeCache, ids: Iterable[str], task: str, origin: str = REAL) -> tuple[Example, ...]:
    """The scans of ``ids`` that ``task`` is about, with their own labels, in the order of ``ids``."""
    labels, rows = labels_of(cache.cohort, task), cache.rows
    return tuple(Example(cache, rows[i], labels[i], origin) for i in ids if i in labels)
