"""Reading a page as a browser would see it, and its sources without the report's own reader."""

import csv
import functools
import html.parser
import json
import re
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
import yaml

from tlesynth import recipe
from tlesynth.evaluation import paper

VOID = {"meta", "img", "br", "source"}


class Reader(html.parser.HTMLParser):
    """What a browser would see: printed values with their sources, images, loads, links, and unbalanced tags."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.values: list[tuple[str, str, str]] = []
        self.images: list[dict[str, str | None]] = []
        self.loads: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.tags: set[str] = set()
        self._data: dict[str, str | None] | None = None
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "data" or "data-source" in found:
            self._data, self._text = found, ""
        if tag == "img":
            self.images.append(found)
        self.loads += [v or "" for k, v in attrs if k in ("src", "srcset", "poster", "action")]
        if tag in ("link", "a"):
            (self.links if tag == "a" else self.loads).append(found.get("href") or "")
        if found.get("id"):
            self.ids.append(str(found["id"]))

    def handle_data(self, data: str) -> None:
        if self._data is not None:
            self._text += data

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag in ("data", "tspan") and self._data is not None:
            value = self._data.get("value", self._data.get("data-value"))
            self.values.append((str(self._data["data-source"]), str(value), self._text))
            self._data = None


def value_at(run: Path, source: str) -> object:
    """The value behind a source, read without the report's own reader."""
    scheme, _, rest = source.partition(":")
    if scheme == "paper":
        table, *keys = rest.split("/")
        return walk(getattr(paper, table.upper().replace("TABLE", "TABLE_")), keys)
    file, _, fragment = source.partition("#")
    name, _, query = file.partition("?")
    if name.endswith((".tsv", ".csv")):
        with open(run / name, newline="") as text:
            rows = list(csv.DictReader(text, delimiter="\t" if name.endswith(".tsv") else ","))
        rows = [r for r in rows if all(r[k] == v for k, v in parse_qsl(query))]
        return len(rows) if fragment == "count()" else rows[0][fragment]
    keys = [k.replace("~1", "/").replace("~0", "~") for k in fragment.split("/")[1:]]
    return walk(shipped_recipe() if scheme == "recipe" else document(run / name), keys)


@functools.cache
def shipped_recipe() -> object:
    return recipe.load("paper").model_dump(mode="json")


@functools.cache
def document(path: Path) -> object:
    return json.loads(path.read_text()) if path.suffix == ".json" else yaml.safe_load(path.read_text())


def walk(found: object, keys: list[str]) -> object:
    for key in keys:
        found = found[int(key)] if isinstance(found, list | tuple) else found[key]  # ty: ignore[not-subscriptable]
    return found


def numbers_are_those_of_their_sources(run: Path, seen: Reader) -> None:
    """Every printed number is, up to its rounding, the one behind its source."""
    for source, exact, text in seen.values:
        expected = value_at(run, source)
        if isinstance(expected, str) and is_rounded(exact, text):
            expected = float(expected)
        if not isinstance(expected, int | float) or isinstance(expected, bool):
            continue
        assert float(exact) == pytest.approx(float(expected)), source
        digits = text.replace("\u2212", "-").replace(",", "")
        scale = 0.01 if digits.endswith("%") else 1
        digits = digits.rstrip("%")
        half_a_unit = 0.5 * 10 ** -len(digits.partition(".")[2]) * scale
        assert abs(float(digits) * scale - expected) <= half_a_unit * 1.001 + 1e-5 * abs(expected), source


def words_are_those_of_their_sources(run: Path, seen: Reader) -> int:
    """Every printed word is the one behind its source, if shortened; returns how many there are."""
    words = [v for v in seen.values if isinstance(value_at(run, v[0]), str) and not is_rounded(*v[1:])]
    for source, exact, text in words:
        assert exact == value_at(run, source), source
        assert text == exact or (text.endswith("…") and exact.startswith(text[:-1])), source
    return len(words)


def bare_numbers(page: str) -> list[str]:
    """Cells of figures that print a digit without a source."""
    cells = re.findall(r'<td class="num"[^>]*>(.*?)</td>', page, re.S)
    bare = (re.sub(r"<data.*?</data>|<[^>]+>|&nbsp;|not computed: [^<]*", "", cell) for cell in cells)
    return [cell for cell in bare if re.search(r"\d", cell)]


def is_rounded(exact: str, text: str) -> bool:
    """Whether a value was printed as a number with fewer digits than the table that it stands in as text."""
    try:
        return exact != text and float(exact) is not None
    except ValueError:
        return False
