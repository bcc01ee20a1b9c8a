"""Results that lie in a folder as one Markdown table."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

HEAD = ("| figure | ours | peer | times or limit | target | met |", "|---|---|---|---|---|---|")
Rows = Callable[[dict[str, Any]], list[list[str]]]


def lines(folder: Path, makers: Mapping[str, Rows]) -> list[str]:
    """The table: for each result by name the rows that its maker reads from it, none where it is not there."""
    made = list(HEAD)
    for name, rows in makers.items():
        path = folder / f"{name}.json"
        if path.is_file():
            made += ["| " + " | ".join(row) + " |" for row in rows(json.loads(path.read_text()))]
    return made


def compared(
    figure: str, seconds: dict[str, Any], ratios: dict[str, Any], ours: str = "ours", digits: tuple[int, int] = (3, 3)
) -> list[list[str]]:
    """A row for each peer: the seconds of ``ours`` and of the peer, to so many ``digits``, and how many times ours."""
    mine = f"{seconds[ours]['median_s']:.{digits[0]}f} s"
    return [
        [
            f"{figure}, against {peer}",
            mine,
            f"{seconds[peer]['median_s']:.{digits[1]}f} s",
            times(entry),
            or_none(entry.get("target")),
            met(entry),
        ]
        for peer, entry in ratios.items()
    ]


def shapes(result: dict[str, Any]) -> list[list[str]]:
    """A row for each side: how many shapes ended in which way."""
    return [
        [f"shapes, {name}", ", ".join(f"{number} {outcome}" for outcome, number in counted.items()), "", "", "", ""]
        for name, counted in result["outcomes"].items()
    ]


def times(entry: dict[str, Any]) -> str:
    """A ratio with its extremes over the passes."""
    return f"{entry['ratio']:g} ({entry['range'][0]:g} to {entry['range'][1]:g})"


def or_none(value: float | None) -> str:
    """A figure, or an empty cell."""
    return "" if value is None else f"{value:g}"


def met(entry: dict[str, Any]) -> str:
    """Whether a target was met; an empty cell where there is none."""
    return {True: "yes", False: "**no**"}.get(entry.get("met"), "")
