"""Printing values: each stands in a ``<data>`` element with its unrounded value and its source; each source is kept.

What was not computed prints its reason in the same place. All text is escaped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from tlesynth.report.sources import Absent, Files, file_of

NOT_THERE = "not in this run"
LONG = 60
"""Characters beyond which a text value is shortened on the page."""
HASH = 12
"""Digits of a hash that tell one file from another to the eye; the whole stands behind them."""


@dataclass(frozen=True)
class Quote:
    """A value as the page printed it."""

    source: str
    text: str


@dataclass
class Quoter:
    """Prints values by their source and remembers them for the list at the end of the page."""

    files: Files
    quotes: dict[str, Quote] = field(default_factory=dict)
    cited: list[str] = field(default_factory=list)

    def number(self, source: str, places: int | None = 2, *, percent: bool = False, sign: bool = False) -> Markup:
        """One number with ``places`` decimals (``None``: an integer); percent scales by 100."""
        try:
            value = float(self.files.resolve(source))
        except (Absent, TypeError, ValueError):
            return self.reason(source)
        return self._data(source, value, formatted(value, places, percent=percent, sign=sign))

    def text(self, source: str) -> Markup:
        """A value as it stands in the file: words, a list, or a number in its own digits."""
        try:
            value = self.files.resolve(source)
        except Absent:
            return self.reason(source)
        shown = plain(value)
        return self._data(source, shown, shown if len(shown) <= LONG else shown[: LONG - 1] + "…")

    def text_or(self, source: str, otherwise: str) -> Markup:
        """``text``, or plain words where the file has no such value and need not have it."""
        try:
            self.files.resolve(source)
        except Absent:
            return Markup("{}").format(otherwise)
        return self.text(source)

    def line(self, source: str) -> Markup:
        """A text value in full."""
        try:
            shown = plain(self.files.resolve(source))
        except Absent:
            return self.reason(source)
        return self._data(source, shown, shown)

    def hash(self, source: str) -> Markup:
        """The first digits of a hash; the whole is the value of its ``<data>`` element."""
        try:
            whole = plain(self.files.resolve(source))
        except Absent:
            return self.reason(source)
        shown = whole if len(whole) <= HASH else f"{whole[:HASH]}…"
        return Markup("<code>{}</code>").format(self._data(source, whole, shown))

    def interval(
        self, source: str, places: int | None = 2, *, percent: bool = False, sign: bool = False, n: bool = False
    ) -> Markup:
        """A value with its confidence interval, ``{"value", "low", "high", "n"}``; a bare number prints alone."""
        found = self.files.get(source)
        if not isinstance(found, dict):
            return self.number(source, places, percent=percent, sign=sign)
        if "value" not in found:
            return self.reason(source)
        if isinstance(found["value"], dict):
            return self.interval(f"{source}/value", places, percent=percent, sign=sign, n=n)
        places = decimals(found["value"], places)
        value, low, high = (
            self.number(f"{source}/{key}", places, percent=percent, sign=sign) for key in ("value", "low", "high")
        )
        shown = Markup('{} <span class="ci">[{}, {}]</span>').format(value, low, high)
        return (
            shown + Markup(' <span class="n">n&nbsp;=&nbsp;{}</span>').format(self.count(f"{source}/n")) if n else shown
        )

    def count(self, source: str) -> Markup:
        """An integer."""
        return self.number(source, None)

    def reason(self, source: str) -> Markup:
        """Why there is no value behind ``source``, as results.json tells it."""
        why = self.why_absent(source)
        return Markup('<span class="absent">not computed: {}</span>').format(why)

    def why_absent(self, source: str) -> str:
        """The reason kept where ``source`` should be, or above it."""
        while "#/" in source:
            found = self.files.get(source)
            if isinstance(found, dict) and "not_computed" in found:
                return str(found["not_computed"])
            source = source.rpartition("/")[0]
        return NOT_THERE

    def has(self, source: str) -> bool:
        """Whether there is a number or an interval behind ``source``."""
        found = self.files.get(source)
        return isinstance(found, (int, float)) or (isinstance(found, dict) and "value" in found)

    def cite(self, *names: str) -> Markup:
        """Superscript links to the files ``names`` in the list of sources; a file that is not there is left out."""
        links = [Markup('<a href="#source-{0}">{0}</a>').format(self._mark(n)) for n in names if self._known(n)]
        return (
            Markup('<sup class="cite" aria-label="sources">{}</sup>').format(Markup(", ").join(links))
            if links
            else Markup()
        )

    def by_file(self) -> dict[str, list[Quote]]:
        """Everything printed so far, by file, in the order of the superscripts."""
        for quote in self.quotes.values():
            self._mark(file_of(quote.source))
        return {name: [q for q in self.quotes.values() if file_of(q.source) == name] for name in self.cited}

    def _known(self, name: str) -> bool:
        return name in ("paper", "recipe") or self.files.has(name)

    def _mark(self, name: str) -> int:
        if name not in self.cited:
            self.cited.append(name)
        return self.cited.index(name) + 1

    def _data(self, source: str, value: Any, text: str) -> Markup:
        self.quotes[source] = Quote(source, text)
        return Markup('<data value="{}" data-source="{}" title="{}">{}</data>').format(value, source, source, text)


def decimals(value: float, places: int | None) -> int | None:
    """As many decimals as a value of this size bears: none from 1000 on, two fewer from 100 on."""
    if places is None or abs(value) < 100:
        return places
    return 0 if abs(value) >= 1000 else max(0, places - 2)


def formatted(value: float, places: int | None, *, percent: bool = False, sign: bool = False) -> str:
    """``value`` as the page prints it, with a true minus sign."""
    if percent:
        value *= 100
    if places is None:
        text = f"{value:,.0f}" if value == round(value) else f"{value:,g}"
    else:
        text = f"{value:{'+' if sign else ''},.{places}f}"
        if places and round(value, places) == 0 and value != 0:
            text = f"{value:.1g}"
    return text.replace("-", "\u2212") + ("%" if percent else "")


def plain(value: Any) -> str:
    """A JSON or YAML value as one line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(plain(v) for v in value)
    if isinstance(value, dict):
        return ", ".join(f"{k}: {plain(v)}" for k, v in value.items())
    if isinstance(value, float):
        return f"{value:g}"
    return "n/a" if value is None else str(value)
