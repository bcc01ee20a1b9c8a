"""Sharing participants out to gen_train, val, test and audit_holdout: stratified, and checked when read.

All scans of a participant stand in one split; anything else lets a model remember its test subjects (Yagis et al.
2021).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from tlesynth import durable
from tlesynth.data.cohort import GROUPS
from tlesynth.errors import fail
from tlesynth.recipe import Split
from tlesynth.seeds import generator

SPLITS = ("gen_train", "val", "test", "audit_holdout")
UNKNOWN = "n/a"


def assign(
    participants: pd.DataFrame, settings: Split, *, seed: int, units: pd.Series | None = None, without: str = ""
) -> pd.Series:
    """The split of each participant (a table indexed by participant_id with ``group`` and the columns to stratify by).

    Each group gets its shares of every split by largest remainder, at least one subject where the share is above 0
    and the group is large enough; within the group the strata (site, side, ...) are spread over the splits as evenly
    as that allows. Participants of the same unit (``units``: participant_id to unit) stay together; the split
    ``without`` gets nobody.
    """
    names = [name for name in SPLITS if name != without]
    whole = sum(getattr(settings, name) for name in names)
    shares = {name: getattr(settings, name) / whole for name in names}
    columns = [c for c in settings.stratify if c in participants and c != "group"]
    units = pd.Series(participants.index, index=participants.index) if units is None else units
    heads = participants.loc[sorted(set(units[participants.index]))]
    split: dict[str, str] = {}
    for group in GROUPS:
        members = heads[heads["group"] == group]
        if members.empty:
            continue
        ordered = _interleaved(members, columns, generator(seed, "split", group))
        for name, taken in _dealt(ordered, apportion(len(members), shares)).items():
            split |= dict.fromkeys(taken, name)
    return units[participants.index].map(split)


def apportion(n: int, shares: dict[str, float]) -> dict[str, int]:
    """Whole numbers that sum to ``n`` in proportion to ``shares`` (largest remainder); none is 0 if ``n`` allows it."""
    exact = {name: round(n * share, 9) for name, share in shares.items()}
    counts = {name: int(value) for name, value in exact.items()}
    by_remainder = sorted(shares, key=lambda name: (counts[name] - exact[name], -shares[name]))
    for name in by_remainder[: n - sum(counts.values())]:
        counts[name] += 1
    for name in [name for name in shares if shares[name] > 0 and counts[name] == 0]:
        largest = max(counts, key=lambda other: counts[other])
        if counts[largest] > 1:
            counts[largest] -= 1
            counts[name] += 1
    return counts


def read_splits(path: Path, ids: Iterable[str]) -> dict[str, list[str]]:
    """The participants of each split, in the table's order, checked against the participants ``ids`` of the cohort.

    Raises:
        TlesynthError: DATA-007 if a participant stands in two splits, DATA-010 if one is unknown or missing or a
            split's name is not known, DATA-011 if the table is missing, DATA-001 if it is damaged.
    """
    table = durable.read_table(path)
    if not {"participant_id", "split"} <= set(table.columns):
        raise fail("DATA-001", path, "it needs the columns participant_id and split")
    twice = table["participant_id"][table["participant_id"].duplicated()]
    if len(twice):
        raise fail("DATA-007", path, ", ".join(sorted(set(twice))[:5]))
    listed, present = set(table["participant_id"]), set(ids)
    for names, why in ((listed - present, "not in the cohort"), (present - listed, "not in the splits")):
        if names:
            raise fail("DATA-010", path, f"{', '.join(sorted(map(str, names))[:5])}: {why}")
    if unknown := set(table["split"]) - set(SPLITS):
        raise fail("DATA-010", path, f"the split {sorted(map(str, unknown))[0]!r} is none of {', '.join(SPLITS)}")
    return {name: list(table["participant_id"][table["split"] == name]) for name in SPLITS}


def digest_of(path: Path, names: Iterable[str]) -> str:
    """SHA-256 of who stands in the splits ``names``, in the table's order, which decides what scans meet in a batch.

    Raises:
        TlesynthError: DATA-011 if the table is missing, DATA-001 if it is damaged.
    """
    table = durable.read_table(path)
    if not {"participant_id", "split"} <= set(table.columns):
        raise fail("DATA-001", path, "it needs the columns participant_id and split")
    rows = table.loc[table["split"].isin(list(names)), ["participant_id", "split"]]
    return durable.hash_of(rows.to_numpy().tolist())


def _interleaved(members: pd.DataFrame, columns: list[str], draws: np.random.Generator) -> list[str]:
    """The members so ordered that every stretch holds each stratum in proportion; chance decides within a stratum."""
    strata = members[columns].astype(object).where(members[columns].notna(), UNKNOWN).astype(str).agg("/".join, axis=1)
    places: list[tuple[float, str]] = []
    for _, names in sorted(strata.groupby(strata).groups.items()):
        shuffled = draws.permutation(np.array(sorted(names), dtype=object))
        offset = draws.uniform()
        places += [((i + offset) / len(shuffled), name) for i, name in enumerate(shuffled)]
    return [name for _, name in sorted(places)]


def _dealt(ordered: list[str], counts: dict[str, int]) -> dict[str, list[str]]:
    """Deal ``ordered`` to the splits so that every stretch of it is shared in proportion to ``counts``."""
    places = [((i + 0.5) / count, -count, name) for name, count in counts.items() for i in range(count)]
    dealt: dict[str, list[str]] = {name: [] for name in counts}
    for participant, (_, _, name) in zip(ordered, sorted(places), strict=True):
        dealt[name].append(participant)
    return dealt
