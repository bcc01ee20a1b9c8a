"""Columns and sidecar keys that may identify a person. They are named, never copied: only a Scan's fields go on.

A Scan holds group, side, hs, age, sex, site and the columns that the recipe names as conditions, where none of these
may identify a person.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from tlesynth.data.sources.meaning import People, age_of
from tlesynth.data.sources.tables import Table
from tlesynth.errors import fail
from tlesynth.recipe import Labels

WORDS = frozenset(
    [
        "name",
        "surname",
        "forename",
        "initials",
        "birth",
        "birthdate",
        "birthday",
        "dob",
        "date",
        "mrn",
        "ssn",
        "nhs",
        "address",
        "street",
        "postcode",
        "zip",
        "phone",
        "email",
        "insurance",
        "hospitalnumber",
    ]
)
SHAPES = {
    "dates": re.compile(r"^\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|^\d{1,2}[./-]\d{1,2}[./-]\d{2,4}$"),
    "e-mail addresses": re.compile(r"^[^@\s]+@[^@\s]+\.[a-z]+$", re.IGNORECASE),
}
KEYS = frozenset(
    [
        "PatientName",
        "PatientID",
        "PatientBirthDate",
        "PatientAddress",
        "AccessionNumber",
        "StudyDate",
        "AcquisitionDateTime",
        "SeriesInstanceUID",
        "StudyInstanceUID",
        "ReferringPhysicianName",
        "InstitutionAddress",
        "DeviceSerialNumber",
    ]
)
OLD = 89.0
LOOKED_AT = 200
"""Cells of a column."""
LARGEST_SIDECAR = 1_000_000


def suspicious_columns(tables: tuple[Table, ...], labels: Labels) -> list[str]:
    """One line for each column whose name or cells look like they identify a person, and for ages above 89."""
    lines = []
    for table in tables:
        for column in table.columns:
            if column == labels.id_column:
                continue
            if (how := _suspicion(table, column)) is not None:
                lines.append(f"{table.path.name}: column {column!r}{how}")
        ages = (age_of(row.cells.get(labels.age_column)) for row in table.rows)
        if old := sum(age is not None and age > OLD for age in ages):
            lines.append(f"{table.path.name}: column {labels.age_column!r} holds {old} ages above {OLD:.0f}")
    return lines


def require_nameless(people: People) -> None:
    """Refuse to carry on a column that may identify a person, whatever the recipe says.

    Raises:
        TlesynthError: PRIV-001 naming the column.
    """
    for table in people.tables:
        for column in (name for name in people.carried if name in table.columns):
            how = " is the participants' id" if column == people.labels.id_column else _suspicion(table, column)
            if how is not None:
                raise fail("PRIV-001", table.path, f"column {column!r}{how}, and diffusion.conditions names it")


def suspicious_keys(scan: Path) -> set[str]:
    """The keys of a scan's JSON sidecar that may identify a person; nothing where there is none to read."""
    sidecar = scan.with_name(scan.name.removesuffix(".gz").removesuffix(".nii") + ".json")
    try:
        if sidecar.stat().st_size > LARGEST_SIDECAR:
            return set()
        values = json.loads(sidecar.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return set()
    return {key for key in KEYS if values.get(key)} if isinstance(values, dict) else set()


def _suspicion(table: Table, column: str) -> str | None:
    """How a column looks like it identifies a person: by what it ``holds``, or by its name alone; None: it does not."""
    words = set(re.split(r"[^a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column).lower()))
    cells = [text for row in table.rows[:LOOKED_AT] if (text := row.cells.get(column))]
    kind = next((k for k, shape in SHAPES.items() if _most(cells, shape)), "")
    if kind:
        return f" holds {kind}"
    return "" if words & WORDS else None


def _most(cells: list[str], shape: re.Pattern[str]) -> bool:
    return bool(cells) and sum(bool(shape.match(cell)) for cell in cells) > len(cells) / 2
