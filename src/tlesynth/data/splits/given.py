"""A split that somebody made elsewhere, taken as it is once it is known to be sound."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from tlesynth import durable
from tlesynth.data.splits.assignment import SPLITS
from tlesynth.data.splits.units import read_either
from tlesynth.errors import fail
from tlesynth.progress import say

NAMES = {name: name for name in SPLITS} | {
    "train": "gen_train",
    "training": "gen_train",
    "validation": "val",
    "valid": "val",
    "dev": "val",
    "testing": "test",
    "holdout": "audit_holdout",
    "audit": "audit_holdout",
}


def read_given(path: Path, ids: list[str], derivatives: Path) -> pd.Series:
    """The split of each participant in ``ids`` by the table ``path``.

    Rows of participants that preprocessing left out are passed over aloud.

    Raises:
        TlesynthError: DATA-001 if the table is damaged, DATA-007 if a participant stands in two splits, DATA-010 if
            one is unknown or missing or a split's name is not known, DATA-011 if the table is missing.
    """
    table = read_either(path, ("participant_id", "split")).drop_duplicates()
    named = table["split"].str.lower().map(NAMES)
    if unknown := sorted(set(table["split"][named.isna()].fillna("n/a"))):
        raise fail("DATA-010", path, f"the split {unknown[0]!r} is none of {', '.join(NAMES)}")
    if twice := sorted(set(table["participant_id"][table["participant_id"].duplicated()])):
        raise fail("DATA-007", path, ", ".join(twice[:5]))
    split = pd.Series(named.to_numpy(), index=table["participant_id"], dtype=object)
    listed, present = set(split.index), set(ids)
    if missing := sorted(present - listed):
        raise fail("DATA-010", path, f"{', '.join(missing[:5])}: not in the given splits")
    gone = listed - present
    if strangers := sorted(gone - _left_out(derivatives)):
        raise fail("DATA-010", path, f"{', '.join(strangers[:5])}: not in the cohort")
    if gone:
        few = ", ".join(sorted(gone)[:5])
        say(f"{len(gone)} participants of the given splits did not come through preprocessing: {few}")
    return split[ids]


def _left_out(derivatives: Path) -> set[str]:
    """Participants that preprocessing skipped, failed or excluded."""
    path = derivatives / "outcomes.tsv"
    return set(durable.read_table(path)["participant_id"]) if path.is_file() else set()
