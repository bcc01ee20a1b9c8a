"""What to try where a cohort's table cannot be understood: a ready mapping, or the column that looks like groups."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from tlesynth.data.sources.meaning import looks_healthy
from tlesynth.data.sources.tables import Table, read_table
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Labels

KNOWN = {
    "ds004469": ("ds004469", "temporal lobe epilepsy - unam"),
    "ideas": ("ds005602", "imaging database for epilepsy and surgery"),
    "ds002748": ("ds002748", "resting state with closed eyes for patients with depression"),
    "ixi": ("ixi",),
}
"""Words of a dataset_description's Name or DOI, by the ready mapping that reads such a data set."""
PATIENTS = ("tle", "patient", "epilep", "pat", "case", "left-tle", "right-tle")
MOST_GROUPS = 12


def known_set(description: dict[str, Any]) -> str:
    """The ready mapping of the data set that calls itself so, or nothing."""
    said = f"{description.get('Name', '')} {description.get('DatasetDOI', '')}".casefold()
    said_words = said.replace("(", " ").split()
    for name, marks in KNOWN.items():
        if any(mark in said if len(mark) > 4 else mark in said_words for mark in marks):
            return name
    return ""


def proposals(root: Path, description: dict[str, Any], labels: Labels) -> list[str]:
    """Options to add to the command, each with its reason; empty where nothing looks better than ``labels``."""
    lines = []
    name = known_set(description)
    if name and labels != Labels.model_validate(name):
        lines.append(f"this looks like {name}: add --labels {name}")
    for path in sorted([*root.glob("*.tsv"), *root.glob("*.csv")]) if root.is_dir() else []:
        try:
            table = read_table(path)
        except TlesynthError:
            continue  # reading it for real says what is wrong with it
        if option := _group_column(table, labels):
            lines.append(option)
    return lines


def _group_column(table: Table, labels: Labels) -> str:
    """The options for the column with the fewest values among which both groups seem to be."""
    best: tuple[int, str, list[str], list[str]] | None = None
    for column in table.columns:
        values = Counter(text for row in table.rows if (text := row.cells.get(column)))
        healthy = sorted(value for value in values if looks_healthy(value))
        ill = sorted(value for value in values if value not in healthy and _looks_ill(value))
        if healthy and ill and len(values) <= MOST_GROUPS and (best is None or len(values) < best[0]):
            best = (len(values), column, healthy, ill)
    if best is None:
        return ""
    _, column, healthy, ill = best
    sets = [f"labels.group_column={column}", f"labels.hc={_listed(healthy)}", f"labels.tle={_listed(ill)}"]
    if (labels.group_column, set(healthy) <= set(labels.hc), set(ill) <= set(labels.tle)) == (column, True, True):
        return ""
    options = " ".join(f"--set '{text}'" for text in sets)
    return f"{table.path.name}, column {column!r} looks like the groups: add {options}"


def _looks_ill(value: str) -> bool:
    looks = value.casefold()
    return any(looks.startswith(word) for word in PATIENTS) or "tle" in looks.split("-")


def _listed(values: list[str]) -> str:
    return "[" + ", ".join(f'"{value}"' if set(value) & set(",:[]{}#&*!|>%@` ") else value for value in values) + "]"
