"""What must never be parted: the ids of one patient, and a scan that stands under two ids.

A unit is named by the first of its participants in sorted order.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from tlesynth import durable
from tlesynth.errors import fail


def units_of(ids: Iterable[str], together: Iterable[tuple[str, str]]) -> pd.Series:
    """The unit of each participant, given pairs of participants that belong ``together`` (directly or by others)."""
    head = {name: name for name in ids}

    def find(name: str) -> str:
        while head[name] != name:
            head[name] = head[head[name]]
            name = head[name]
        return name

    for first, second in together:
        low, high = sorted((find(first), find(second)))
        head[high] = low
    return pd.Series({name: find(name) for name in head}, dtype=object)


def read_patients(path: Path, ids: Iterable[str]) -> list[tuple[str, str]]:
    """The pairs of participants among ``ids`` that are one patient, by a table of participant_id and patient_id.

    Raises:
        TlesynthError: DATA-001 if a column is missing, DATA-010 if a participant has no patient_id or two.
    """
    table = read_either(path, ("participant_id", "patient_id"))
    present = set(ids)
    table = table[table["participant_id"].isin(present)].drop_duplicates()
    if twice := sorted(set(table["participant_id"][table["participant_id"].duplicated()])):
        raise fail("DATA-010", path, f"{twice[0]} has two patient_ids")
    if missing := sorted(present - set(table["participant_id"][table["patient_id"].notna()])):
        raise fail("DATA-010", path, f"{missing[0]} has no patient_id")
    members = table.groupby("patient_id")["participant_id"].agg(sorted)
    return [(names[0], other) for names in members for other in names[1:]]


def read_either(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """A table of tabs, or of commas where it is called .csv; participant_ids get their ``sub-``.

    Raises:
        TlesynthError: DATA-011 if it is missing, DATA-001 if it cannot be read or lacks a column.
    """
    if path.suffix.lower() == ".csv" and path.is_file():
        try:
            table = pd.read_csv(path, dtype=str, na_values=["n/a"], keep_default_na=False, encoding="utf-8-sig")
        except (ValueError, UnicodeDecodeError) as error:
            raise fail("DATA-001", path, str(error).splitlines()[0]) from error
    else:
        table = durable.read_table(path)
    table.columns = [str(column).strip() for column in table.columns]
    if missing := [column for column in columns if column not in table]:
        raise fail("DATA-001", path, f"it has no column {missing[0]}")
    table = table[list(columns)].apply(lambda column: column.str.strip())
    table["participant_id"] = ["sub-" + str(name).removeprefix("sub-") for name in table["participant_id"]]
    return table


def require_whole(split: pd.Series, units: pd.Series, where: Path) -> None:
    """Refuse splits (participant_id to split) that part a unit.

    Raises:
        TlesynthError: DATA-007 naming the two participants and their splits.
    """
    for _, names in units.groupby(units, sort=True).groups.items():
        first, *others = sorted(names)
        for other in others:
            if split[first] != split[other]:
                why = f"{first} ({split[first]}) and {other} ({split[other]}) are one patient or one scan"
                raise fail("DATA-007", where, why)


def require_one_group(units: pd.Series, groups: pd.Series, where: Path) -> None:
    """Refuse a unit that is a control under one id and a patient under another.

    Raises:
        TlesynthError: DATA-021 naming the first two such participants.
    """
    for _, names in units.groupby(units, sort=True).groups.items():
        first, *others = sorted(names)
        for other in others:
            if groups[first] != groups[other]:
                raise fail("DATA-021", where, f"{first} is {groups[first]}, {other} is {groups[other]}")
