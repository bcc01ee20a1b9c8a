"""Who trains each classifier: the real scans, the synthetic ones, or both at a ratio (paper, Table 4)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from tlesynth import durable
from tlesynth.data.cohort import Cohort
from tlesynth.errors import fail
from tlesynth.seeds import generator

RATIOS = {"real": 0.0, "synthetic": 1.0, "real+0.25": 0.25, "real+0.5": 0.5}
"""Synthetic scans per real training scan."""


@dataclass(frozen=True)
class Arm:
    """One training set: participants by origin, and how many synthetic scans were asked for."""

    name: str
    real: tuple[str, ...]
    synthetic: tuple[str, ...]
    synthetic_asked: int


def compose(name: str, real: pd.Series, synthetic: pd.Series, seed: int) -> Arm:
    """The arm ``name`` from the classes (by participant_id) of the real training set and of the synthetic cohort.

    Synthetic scans come in the class ratio of the real training set. Where a class has too few, both classes shrink
    by the same factor. The draw is a prefix of one permutation, so a smaller ratio's scans are a larger ratio's too.
    """
    classes = sorted(set(real))
    asked = {c: round(RATIOS[name] * int((real == c).sum())) for c in classes}
    order = {c: generator(seed, "arm", c).permutation(sorted(synthetic.index[synthetic == c])) for c in classes}
    share = min([1.0, *(len(order[c]) / asked[c] for c in classes if asked[c])])
    chosen = [str(i) for c in classes for i in order[c][: int(share * asked[c] + 1e-9)]]
    kept = () if name == "synthetic" else tuple(sorted(real.index))
    return Arm(name, kept, tuple(sorted(chosen)), sum(asked.values()))


def read_members(splits: Path, cohort: Cohort) -> dict[str, list[str]]:
    """The participants of ``cohort`` in each split of splits.tsv, sorted.

    Raises:
        TlesynthError: DATA-001 if a column is missing, DATA-007 if a participant stands twice.
    """
    table = durable.read_table(splits)
    if missing := [c for c in ("participant_id", "split") if c not in table]:
        raise fail("DATA-001", splits, f"no column {missing[0]}")
    twice = table["participant_id"][table["participant_id"].duplicated()]
    if len(twice):
        raise fail("DATA-007", splits, str(twice.iloc[0]))
    table = table[table["participant_id"].isin(cohort.ids)]
    return {str(split): sorted(rows) for split, rows in table.groupby("split")["participant_id"]}


def refuse_synthetic(splits: Path, derivatives: Cohort, synthetic: Cohort) -> None:
    """Refuse a synthetic volume in val or test, by its name or, renamed, by its bytes.

    Raises:
        TlesynthError: DATA-013 naming the first one.
    """
    table = durable.read_table(splits)
    judged = table[table["split"].isin(["val", "test"])]["participant_id"]
    if named := sorted(set(judged) & set(synthetic.ids)):
        raise fail("DATA-013", splits, f"{named[0]} is synthetic")
    made = {durable.sha256(synthetic.volume_path(i)): i for i in synthetic.ids}
    for participant_id in sorted(set(judged) & set(derivatives.ids)):
        path = derivatives.volume_path(participant_id)
        if origin := made.get(durable.sha256(path)):
            raise fail("DATA-013", path, f"it is the synthetic {origin}")
