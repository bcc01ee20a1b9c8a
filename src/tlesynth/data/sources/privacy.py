"""Columns and sidecar keys that may identify a person. They are named, never copied: only a Scan's fields go on."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tlesynth.data.sources.meaning import age_of
from tlesynth.data.sources.tables import Table
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
            words = set(re.split(r"[^a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column).lower()))
            cells = [text for row in table.rows[:LOOKED_AT] if (text := row.cells.get(column))]
            kind = next((k for k, shape in SHAPES.items() if _most(cells, shape)), "")
            if kind or words & WORDS:
                lines.append(f"{table.path.name}: column {column!r}" + (f" holds {kind}" if kind else ""))
        ages = (age_of(row.cells.get(labels.age_column)) for row in table.rows)
        if old := sum(age is not None and age > OLD for age in ages):
            lines.append(f"{table.path.name}: column {labels.age_column!r} holds {old} ages above {OLD:.0f}")
    return lines


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


def _most(cells: list[str], shape: re.Pattern[str]) -> bool:
    return bool(cells) and sum(bool(shape.match(cell)) for cell in cells) > len(cells) / 2
