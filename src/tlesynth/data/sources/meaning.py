"""What the rows of a cohort's tables say about each participant, by the recipe's labels.

Nothing is guessed: a group value the labels do not mention stops the run, any other such value is counted.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from tlesynth.data.sources.tables import Row, Table, number_or_safe, read_table, safe
from tlesynth.errors import fail
from tlesynth.recipe import Labels
from tlesynth.recipe.labels import RANGE

OLDEST = 130.0
AT_LEAST = re.compile(r"^(?:over|above|>=?)\s*(\d+(?:\.\d+)?)$|^(\d+(?:\.\d+)?)\s*\+$", re.IGNORECASE)
BELOW = re.compile(r"^(?:less than|under|below|<=?)\s*(\d+(?:\.\d+)?)$", re.IGNORECASE)
BIN = re.compile(r"^(\d+(?:\.\d+)?)\s*(?:to|-|\N{EN DASH})\s*(\d+(?:\.\d+)?)$", re.IGNORECASE)


@dataclass(frozen=True)
class Person:
    """What the tables say about one participant; ``why`` says why there is no group."""

    group: str | None
    why: str = ""
    side: str | None = None
    hs: str | None = None
    age: float | None = None
    sex: str | None = None
    site: str | None = None
    undeclared: tuple[tuple[str, str], ...] = ()
    """Columns and values that the labels do not mention."""
    carried: tuple[tuple[str, str | None], ...] = ()
    """Columns that are carried on as they are, and their values."""


class Words:
    """Which text means what: an exact text wins, then the first pattern with ``*`` that fits."""

    def __init__(self, **meanings: Iterable[str]) -> None:
        self.exact = {text: meaning for meaning, texts in meanings.items() for text in texts if "*" not in text}
        self.patterns = [(text, meaning) for meaning, texts in meanings.items() for text in texts if "*" in text]

    def meaning(self, text: str) -> str | None:
        """The meaning of ``text``, or None; it is looked up once."""
        if text not in self.exact:
            fits = (meaning for pattern, meaning in self.patterns if fnmatchcase(text, pattern))
            if (found := next(fits, None)) is None:
                return None
            self.exact[text] = found
        return self.exact[text]


@dataclass
class People:
    """The rows of every participant in one or more tables, to be asked for one at a time."""

    labels: Labels
    tables: tuple[Table, ...]
    notes: list[str] = field(default_factory=list)
    carried: tuple[str, ...] = ()
    """Other columns that the recipe names as conditions; those that no table has are left out."""

    def __post_init__(self) -> None:
        labels = self.labels
        self.words = {
            "group": Words(hc=labels.hc, tle=labels.tle, ignore=labels.ignore),
            "side": Words(left=labels.left, right=labels.right, unknown=labels.side_unknown),
            "hs": Words(yes=labels.hs_yes, no=labels.hs_no, unknown=labels.hs_unknown),
            "sex": Words(F=labels.female, M=labels.male),
        }
        self.columns = {key: getattr(labels, f"{key}_column") for key in ("group", "side", "hs", "age", "sex", "site")}
        there = {column for table in self.tables for column in table.columns}
        self.carried = tuple(name for name in self.carried if name in there and name not in self.columns)
        self.rows: dict[str, list[tuple[Table, Row]]] = defaultdict(list)
        for table in self.tables:
            self.notes += [f"{table.path.name}: {note}" for note in table.notes]
            for row in table.rows:
                if text := row.cells.get(labels.id_column):
                    self.rows[identity(text, labels)].append((table, row))
        self.ranges = self._ranges()

    @property
    def ids(self) -> set[str]:
        """Every participant that has a row."""
        return set(self.rows)

    def person(self, participant_id: str, session: str = "") -> Person:
        """What the rows of a participant say; of several sessions' rows those of ``session`` count, else the first.

        Raises:
            TlesynthError: DATA-004 if they contradict each other.
        """
        texts = self._texts(participant_id, session)
        group, why = self._group(participant_id, texts.get("group"))
        told = {key: None for key in ("side", "hs", "sex")}
        undeclared = []
        for key in told:
            if (text := texts.get(key)) is None or (key != "sex" and group != "tle"):
                continue
            told[key] = self.words[key].meaning(text)
            if told[key] is None:
                undeclared.append((self.columns[key], text))
        age = age_of(texts.get("age"), bins=self.labels.age_bins)
        if age is None and "age" in texts:
            undeclared.append((self.columns["age"], texts["age"]))
        side, hs = (None if told[key] == "unknown" else told[key] for key in ("side", "hs"))
        carried = tuple((name, number_or_safe(texts.get(name))) for name in self.carried)
        return Person(group, why, side, hs, age, told["sex"], safe(texts.get("site")), tuple(undeclared), carried)

    def _texts(self, participant_id: str, session: str) -> dict[str, str]:
        rows = self._of_session(self.rows.get(participant_id, []), session)
        texts: dict[str, str] = {}
        for key, column in (self.columns | {name: name for name in self.carried}).items():
            found = {}
            for table, row in rows:
                if text := row.cells.get(column):
                    found.setdefault(self._meant(key, text), (text, f"{table.path.name} line {row.line}"))
            if len(found) > 1:
                differ = "; ".join(f"{where} says {text!r}" for text, where in found.values())
                raise fail("DATA-004", participant_id, f"its rows differ in {column!r}: {differ}")
            if found:
                texts[key] = next(iter(found.values()))[0]
        return texts

    def _meant(self, key: str, text: str) -> object:
        """What two rows must agree in: the meaning, or the text where it has none."""
        if key == "age":
            return age_of(text, bins=True) or text
        return (self.words[key].meaning(text) if key in self.words else None) or text

    def _of_session(self, rows: list[tuple[Table, Row]], session: str) -> list[tuple[Table, Row]]:
        """The rows without a session, and those of ``session`` or else of the first session listed."""
        column = self.labels.session_column
        if len(rows) < 2 or not any(row.cells.get(column) for _, row in rows):
            return rows
        names = [(row.cells.get(column) or "").removeprefix("ses-") for _, row in rows]
        wanted = session.removeprefix("ses-")
        chosen = wanted if wanted in names else next(name for name in names if name)
        return [row for row, name in zip(rows, names, strict=True) if name in ("", chosen)]

    def _group(self, participant_id: str, text: str | None) -> tuple[str | None, str]:
        column = self.labels.group_column
        if text is not None:
            group = self.words["group"].meaning(text)
            return (
                (None, f"{_reason(text, self.labels.ignore)} ({column} {text!r})") if group == "ignore" else (group, "")
            )
        for group, pattern in self.ranges:
            if _in_range(participant_id, pattern):
                return group, ""
        if participant_id in self.rows:
            return None, f"its {column} is n/a"
        return None, "it has no row in " + (", ".join(t.path.name for t in self.tables) or "any table")

    def _ranges(self) -> list[tuple[str, str]]:
        """The id ranges that count: those among whose members no table gives anybody a group."""
        column = self.labels.group_column
        told = [name for name, rows in self.rows.items() if any(row.cells.get(column) for _, row in rows)]
        return [
            (group, pattern)
            for group, patterns in self.labels.group_by_id.items()
            for pattern in patterns
            if not any(_in_range(name, pattern) for name in told)
        ]

    def repeated(self) -> str:
        """Which participants have several rows of one table and session; they agree, or ``person`` refuses them."""
        places = []
        for name, rows in self.rows.items():
            kinds = Counter((table.path, row.cells.get(self.labels.session_column)) for table, row in rows)
            if max(kinds.values()) > 1:
                places.append(f"{name} (lines {', '.join(str(row.line) for _, row in rows)})")
        return f"rows that say the same: {', '.join(places[:5])}{', ...' if len(places) > 5 else ''}" if places else ""


def read_people(root: Path, labels: Labels, carried: tuple[str, ...] = ()) -> People:
    """Read the tables that the labels name below ``root``, and check that their columns and groups are known.

    Raises:
        TlesynthError: DATA-001 if no table is there or one is damaged, DATA-003 if the group column or a value of it
            is unknown.
    """
    paths = [root / name for name in labels.table]
    present = [path for path in paths if path.is_file()]
    if not present and not labels.group_by_id:
        raise fail("DATA-001", paths[0], "the file is missing; it must say who is hc and who is tle")
    tables = tuple(read_table(path) for path in present)
    for table in tables:
        if labels.id_column not in table.columns:
            raise fail("DATA-001", table.path, _no_column(labels.id_column, table))
    check_groups(tables, labels)
    missing = [path.name for path in paths if path not in present]
    notes = [f"{name} is not there" for name in missing] if present or labels.group_by_id else []
    if labels.group_by_id and not any(labels.group_column in table.columns for table in tables):
        notes.append("every group comes from the id alone (labels.group_by_id)")
    return People(labels, tables, notes, carried)


def check_groups(tables: tuple[Table, ...], labels: Labels) -> None:
    """Raise DATA-003 unless some table has the group column and every value of it is known."""
    column = labels.group_column
    having = [table for table in tables if column in table.columns]
    if not having and not labels.group_by_id:
        raise fail("DATA-003", tables[0].path, _no_column(column, tables[0]))
    words = Words(hc=labels.hc, tle=labels.tle, ignore=labels.ignore)
    found = Counter(text for table in having for row in table.rows if (text := row.cells.get(column)))
    unknown = sorted(text for text in found if words.meaning(text) is None)
    if unknown:
        most = 12
        counts = ", ".join(f"{text!r} {n}" for text, n in sorted(found.items())[:most])
        counts += f" and {len(found) - most} more values" if len(found) > most else ""
        proposal = "; ".join(propose(text) for text in unknown[:most])
        raise fail("DATA-003", having[0].path, f"column {column!r} holds {counts}. {proposal}")


def propose(value: str) -> str:
    """Where an unknown group value most likely belongs, in words."""
    healthy = looks_healthy(value)
    return f"{value!r}: add it to labels.{'hc' if healthy else 'tle'}" + (
        "" if healthy else ", or to labels.ignore with a reason"
    )


def looks_healthy(value: str) -> bool:
    """Whether a group value reads like a control."""
    looks = value.casefold()
    return looks[:2] in ("hc", "co", "he", "no", "ct") and "tle" not in looks


def identity(text: str, labels: Labels) -> str:
    """The participant_id that an id cell means."""
    label = text.removeprefix("sub-")
    return "sub-" + (labels.id_prefix + label.zfill(labels.id_width) if label.isdecimal() else label)


def age_of(text: str | None, *, bins: bool = False) -> float | None:
    """An age in years: a number, or 89 for ``89+``; with ``bins`` also the middle of ``25 to 29`` and the like."""
    if text is None:
        return None
    try:
        age = float(text)
    except ValueError:
        age = _binned(text) if bins or text.endswith("+") else -1.0
    return age if 0 <= age <= OLDEST else None


def _binned(text: str) -> float:
    if match := BIN.match(text):
        return (float(match[1]) + float(match[2])) / 2
    if match := BELOW.match(text):
        return float(match[1]) / 2
    match = AT_LEAST.match(text)
    return float(match[1] or match[2]) if match else -1.0


def _in_range(participant_id: str, pattern: str) -> bool:
    label = participant_id.removeprefix("sub-")
    if match := RANGE.match(pattern):
        return label.isdecimal() and int(match[1]) <= int(label) <= int(match[2])
    return fnmatchcase(label, pattern)


def _reason(text: str, ignore: dict[str, str]) -> str:
    exact = ignore.get(text)
    return exact or next(reason for pattern, reason in ignore.items() if fnmatchcase(text, pattern))


def _no_column(column: str, table: Table) -> str:
    near = [name for name in table.columns if name.casefold() == column.casefold()]
    hint = f"; {near[0]!r} differs only in upper and lower case" if near else ""
    return f"it has no column {column!r}, only {', '.join(table.columns)} (tabs separate cells){hint}"
