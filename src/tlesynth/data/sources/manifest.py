"""A cohort as a plain list: ``manifest.csv`` with the columns ``path`` and ``group``, for scans that are not in BIDS.

Optional columns: participant_id, session_id, side, hs, age, sex, site, brain_mask. Paths are relative to the
manifest's folder and stay inside it. The values mean what the recipe's labels say; the columns are called as here. Of
several rows with one participant_id the first is read.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path

from tlesynth.data.sources.found import Scan, Skipped, Survey, Undeclared
from tlesynth.data.sources.meaning import People, check_groups
from tlesynth.data.sources.privacy import require_nameless, suspicious_columns
from tlesynth.data.sources.scans import session_order
from tlesynth.data.sources.tables import Row, Table, read_table
from tlesynth.errors import TlesynthError, fail
from tlesynth.recipe import Labels

COLUMNS = ("group", "side", "hs", "age", "sex", "site")
LABEL = re.compile(r"sub-([0-9A-Za-z]+)")


def survey_manifest(path: Path, labels: Labels, carried: tuple[str, ...] = ()) -> Survey:
    """Read the scans a manifest lists; a row that cannot be used is left out with its line, the others stay.

    Raises:
        TlesynthError: DATA-001 if the table is damaged or has no ``path``, DATA-003 for an unknown group value.
    """
    table = read_table(path)
    for column in ("path", "group"):
        if column not in table.columns:
            raise fail("DATA-001" if column == "path" else "DATA-003", path, f"it has no column {column!r}")
    labels = labels.model_copy(update={f"{name}_column": name for name in COLUMNS} | {"id_column": "participant_id"})
    check_groups((table,), labels)
    named = [(row, _name(row)) for row in table.rows]
    _require_own_names(path, named)
    session = labels.session.removeprefix("ses-")
    column = labels.session_column
    named.sort(key=lambda pair: (pair[1], session_order((pair[0].cells.get(column) or "").removeprefix("ses-"))))
    people = People(labels, (_with_ids(table, named),), carried=carried)
    require_nameless(people)
    scans: dict[str, Scan] = {}
    skipped: dict[str, Skipped] = {}
    choices: dict[str, str] = {}
    others: dict[str, int] = {}
    undeclared: Counter[tuple[str, str]] = Counter()
    for row, name in named:
        if name in scans or name in skipped:
            choices[name] = f"the earliest session, or the first row, of several (line {row.line} is left out)"
            continue
        if session and (row.cells.get(column) or "").removeprefix("ses-") != session:
            others.setdefault(name, row.line)
            continue
        try:
            person = people.person(name, row.cells.get(labels.session_column) or "")
            if person.group is None:
                raise fail("DATA-006", why=person.why)
            file, mask = _inside(path.parent, row, "path"), _inside(path.parent, row, "brain_mask")
        except TlesynthError as error:
            skipped[name] = Skipped(name, error.code, f"line {row.line}: {error.why}")
            continue
        undeclared.update(person.undeclared)
        told = (person.side, person.hs, person.age, person.sex, person.site)
        scans[name] = Scan(name, file or path, person.group, *told, mask, person.carried)
    for name in others.keys() - scans.keys() - skipped.keys():
        skipped[name] = Skipped(name, "DATA-006", f"line {others[name]}: no row of session {session}")
    return Survey(
        scans=tuple(scans[name] for name in sorted(scans)),
        skipped=tuple(skipped[name] for name in sorted(skipped)),
        root=path.parent,
        choices=tuple(sorted(choices.items())),
        notes=tuple(people.notes),
        undeclared=tuple(Undeclared(c, v, n) for (c, v), n in sorted(undeclared.items())),
        private=tuple(suspicious_columns((table,), labels)),
    )


def _name(row: Row) -> str:
    """The participant_id of a row: its own, else the sub- label in its path, else the file's name without signs."""
    given = row.cells.get("participant_id") or ""
    path = row.cells.get("path") or f"line{row.line}"
    label = LABEL.search(path)
    stem = Path(path).name.split(".")[0]
    text = given.removeprefix("sub-") or (label[1] if label else stem)
    return "sub-" + (re.sub(r"[^0-9A-Za-z]", "", text) or f"line{row.line}")


def _require_own_names(path: Path, named: list[tuple[Row, str]]) -> None:
    """Refuse names that only look alike: derived from different paths, or differing by upper and lower case."""
    first: dict[str, tuple[Row, str]] = {}
    for row, name in named:
        other, known = first.setdefault(name.lower(), (row, name))
        derived = not (row.cells.get("participant_id") and other.cells.get("participant_id"))
        if known != name:
            raise fail("DATA-009", path, f"lines {other.line} and {row.line}: {known} and {name}")
        labelled = all(LABEL.search(r.cells.get("path") or "") for r in (row, other))
        if derived and not labelled and row.cells.get("path") != other.cells.get("path"):
            why = f"lines {other.line} and {row.line} would both be {name}: add a participant_id column"
            raise fail("DATA-016", path, why)


def _with_ids(table: Table, named: list[tuple[Row, str]]) -> Table:
    rows = tuple(Row(row.line, row.cells | {"participant_id": name}) for row, name in named)
    return Table(table.path, (*table.columns, "participant_id"), rows, table.notes)


def _inside(folder: Path, row: Row, column: str) -> Path | None:
    """A path of a row below ``folder``, or None for a missing mask."""
    text = row.cells.get(column)
    if text is None:
        if column == "path":
            raise fail("DATA-016", why="it has no path")
        return None
    path = Path(os.path.normpath(folder.absolute() / text))
    if not path.is_relative_to(folder.absolute()):
        raise fail("DATA-016", why=f"{column} {text!r} lies outside the manifest's folder")
    if not path.exists():
        raise fail("DATA-016", why=f"{column} {text!r} is not there")
    return path
