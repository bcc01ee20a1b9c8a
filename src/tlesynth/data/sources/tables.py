"""Tables as people really save them: byte order marks, UTF-16, Windows line ends, quotes, ragged rows.

Every cell stays text, so a formula is never more than its characters. What is missing is None.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tlesynth.errors import fail

LARGEST = 1 << 28
"""Bytes of a table."""
MISSING = {"", "n/a", "na", "nan", "none", "null", "#n/a"}
MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
FORMULA = ("=", "+", "-", "@")


@dataclass(frozen=True)
class Row:
    """One row: the line it starts on, and its cells by column."""

    line: int
    cells: dict[str, str | None]


@dataclass(frozen=True)
class Table:
    """A table as text, and what was odd about it."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()


def read_table(path: Path) -> Table:
    """Read a TSV, or a CSV whose cells commas, semicolons or tabs separate (what its header has most of).

    Raises:
        TlesynthError: DATA-001 with the line, if the file is no text, has a row longer than its header, an open quote
            or two columns of one name.
    """
    text, notes = _text(path)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(path, text), strict=True)
    columns: list[str] = []
    rows, short, start = [], [], 1
    try:
        for cells in lines:
            line, start = start, lines.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if not columns:
                columns = _columns(cells, path)
                continue
            _check(cells, columns, line, path)
            if len(cells) < len(columns):
                short.append(line)
            rows.append(Row(line, dict(zip(columns, map(_cell, cells), strict=False))))
    except csv.Error as error:
        raise fail("DATA-001", path, f"line {start}: {error}") from error
    if not columns:
        raise fail("DATA-001", path, "it is empty")
    if short:
        places = ", ".join(map(str, short[:5])) + (", ..." if len(short) > 5 else "")
        notes.append(f"{len(short)} rows have fewer cells than the header (lines {places}); the others count as n/a")
    return Table(path, tuple(columns), tuple(rows), tuple(notes))


def safe(text: str | None) -> str | None:
    """``text`` that a spreadsheet will not take for a formula and that stays in its cell."""
    if text is None:
        return None
    plain = " ".join(text.split())
    return f"'{plain}" if plain.startswith(FORMULA) else plain


def number_or_safe(text: str | None) -> str | None:
    """A number as it is written, which is no formula though it begin with a sign; any other text made ``safe``."""
    try:
        float(text or "")
    except ValueError:
        return safe(text)
    return text


def _text(path: Path) -> tuple[str, list[str]]:
    try:
        if path.stat().st_size > LARGEST:
            raise fail("DATA-001", path, f"larger than {LARGEST:,} bytes")
        data = path.read_bytes()
    except OSError as error:
        raise fail("DATA-001", path, error.strerror or str(error)) from error
    mark = next((mark for mark in MARKS if data.startswith(mark)), b"")
    encoding = MARKS.get(mark, "utf-8")
    notes = ["it is UTF-16; BIDS wants UTF-8"] if "16" in encoding else []
    if not mark and b"\0" in data:
        raise fail("DATA-001", path, "it holds zero bytes: save it as UTF-8 text")
    try:
        return data[len(mark) :].decode(encoding), notes
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise fail("DATA-001", path, f"line {line} is not UTF-8: save it as UTF-8 text") from error


def _delimiter(path: Path, text: str) -> str:
    header = text.lstrip().split("\n", 1)[0]
    return max(",;\t", key=header.count) if path.suffix.lower() == ".csv" else "\t"


def _columns(cells: list[str], path: Path) -> list[str]:
    columns = [cell.strip() for cell in cells]
    while columns and not columns[-1]:
        columns.pop()
    if twice := [name for name, n in Counter(columns).items() if n > 1 and name]:
        raise fail("DATA-001", path, f"two columns are called {twice[0]!r}")
    return columns


def _check(cells: list[str], columns: list[str], line: int, path: Path) -> None:
    if any(cell.strip() for cell in cells[len(columns) :]):
        raise fail("DATA-001", path, f"line {line} has {len(cells)} cells, the header has {len(columns)}")
    if path.suffix.lower() != ".csv" and any("\n" in cell or "\r" in cell for cell in cells):
        raise fail("DATA-001", path, f"line {line}: a quote is opened and not closed on the line")


def _cell(text: str) -> str | None:
    text = text.strip()
    return None if text.lower() in MISSING else text
