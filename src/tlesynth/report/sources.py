"""Where a number of the report comes from: a source names one value in one file of the run.

::

    evaluation/results.json#/classification/arms/real/f1/value     a JSON or YAML file and a pointer (RFC 6901)
    evaluation/table4.tsv?arm=real#accuracy                        the one row of a table that fits, and its column
    splits.tsv?split=test#count()                                  or count, distinct, min, max, median of the rows
    paper:table4/real/accuracy                                     a number the paper prints
    recipe:paper#/sample/steps                                     a value of the recipe that ships with the package

The page asks for every number by its source, so a number without one cannot be printed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pandas as pd
import yaml

from tlesynth import durable, recipe
from tlesynth.errors import fail

RESULTS = "evaluation/results.json"
MISSING_CELL = "n/a"
AGGREGATE = re.compile(r"^(count|distinct|min|max|median)\((.*)\)$")


class Absent(LookupError):
    """A source that names nothing in this run."""


@dataclass
class Files:
    """The files of one run, each read once; what is missing is absent, not an error."""

    run: Path
    constants: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Nested values behind the other schemes, by scheme (``paper``)."""
    _documents: dict[str, Any] = field(default_factory=dict, repr=False)
    _tables: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False)

    def path(self, name: str) -> Path:
        """A file of the run by its relative name; a name that leaves the run is absent."""
        # By its words: a part of the run may itself be a link to another disk.
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise Absent(name)
        return self.run / name

    def has(self, name: str) -> bool:
        """Whether the run holds this file or folder."""
        return self.path(name).exists()

    def document(self, name: str) -> Any:
        """A JSON or YAML file; absent if it is missing.

        Raises:
            TlesynthError: DATA-001 if it is there and cannot be read.
        """
        if name not in self._documents:
            if not self.path(name).is_file():
                raise Absent(name)
            self._documents[name] = _document(self.path(name))
        return self._documents[name]

    def table(self, name: str) -> pd.DataFrame:
        """A TSV or CSV file as text columns; absent if it is missing.

        Raises:
            TlesynthError: DATA-001 if it is there and cannot be read.
        """
        if name not in self._tables:
            if not self.path(name).is_file():
                raise Absent(name)
            self._tables[name] = _table(self.path(name))
        return self._tables[name]

    def get(self, source: str, default: Any = None) -> Any:
        """The value behind ``source``, or ``default`` where there is none."""
        try:
            return self.resolve(source)
        except Absent:
            return default

    def resolve(self, source: str) -> Any:
        """The value behind ``source``.

        Raises:
            Absent: if the file, row, column or key is not there.
            TlesynthError: DATA-001 if the file is damaged.
        """
        scheme, separator, rest = source.partition(":")
        if separator and scheme == "paper":
            return _walk(self.constants.get(scheme, {}), rest.split("/"), source)
        name, _, fragment = source.partition("#")
        if separator and scheme == "recipe":
            return _walk(self._shipped_recipe, _pointer(fragment), source)
        if "?" in name or Path(name).suffix in (".tsv", ".csv"):
            name, _, query = name.partition("?")
            return _cell(self.table(name), query, fragment, source)
        return _walk(self.document(name), _pointer(fragment), source)

    @cached_property
    def _shipped_recipe(self) -> dict[str, Any]:
        return recipe.load("paper").model_dump(mode="json")


def file_of(source: str) -> str:
    """The file (relative to the run), or the scheme, that ``source`` reads."""
    scheme, separator, _ = source.partition(":")
    if separator and scheme in ("paper", "recipe"):
        return scheme
    return source.partition("#")[0].partition("?")[0]


def pointer(name: str, *keys: str | int) -> str:
    """The source of a value in a JSON or YAML file."""
    return name + "#" + "".join("/" + str(key).replace("~", "~0").replace("/", "~1") for key in keys)


def cell(name: str, column: str, **where: str) -> str:
    """The source of a table's cell, or of an aggregate such as ``count()`` over the rows that fit ``where``."""
    return f"{name}?{urlencode(where)}#{column}" if where else f"{name}#{column}"


def rows(table: pd.DataFrame, where: dict[str, str]) -> pd.DataFrame:
    """The rows whose columns equal ``where``; ``n/a`` stands for a missing value."""
    for column, wanted in where.items():
        if column not in table:
            return table.iloc[:0]
        table = table[table[column].fillna(MISSING_CELL).astype(str) == wanted]
    return table


def _document(path: Path) -> Any:
    if path.suffix not in (".yaml", ".yml"):
        return durable.read_json(path, "DATA-001")
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise fail("DATA-001", path, " ".join(str(error).split())) from error


def _table(path: Path) -> pd.DataFrame:
    if path.suffix == ".tsv":
        return durable.read_table(path)
    try:
        return pd.read_csv(path, dtype=str)
    except (ValueError, UnicodeDecodeError) as error:
        raise fail("DATA-001", path, str(error).splitlines()[0]) from error


def _pointer(fragment: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in fragment.split("/")[1:]]


def _walk(value: Any, keys: list[str], source: str) -> Any:
    for key in keys:
        try:
            value = value[int(key)] if isinstance(value, (list, tuple)) else value[key]
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise Absent(source) from error
    return value


def _cell(table: pd.DataFrame, query: str, wanted: str, source: str) -> Any:
    found = rows(table, dict(parse_qsl(query, keep_blank_values=True)))
    if aggregate := AGGREGATE.match(wanted):
        return _aggregate(found, aggregate[1], aggregate[2], source)
    if wanted not in found or len(found) != 1:
        raise Absent(source)
    value = found[wanted].iloc[0]
    return MISSING_CELL if pd.isna(value) else value


def _aggregate(found: pd.DataFrame, function: str, column: str, source: str) -> float | int:
    if function == "count":
        return len(found)
    if column not in found or found.empty:
        raise Absent(source)
    if function == "distinct":
        return int(found[column].nunique())
    numbers = pd.to_numeric(found[column], errors="coerce").dropna()
    if numbers.empty:
        raise Absent(source)
    functions: dict[str, Callable[[], Any]] = {"min": numbers.min, "max": numbers.max, "median": numbers.median}
    return float(functions[function]())
