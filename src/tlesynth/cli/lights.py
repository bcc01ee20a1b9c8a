"""The verdict on one screen of 80 by 24: a line per light with the figure that decided it, and what is missing."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.text import Text

LIGHT, ABOUT, FIGURE, LIMITS = 5, 30, 23, 14
"""Widths of the columns; with n they fill 80."""
WIDEST = 100
"""Columns beyond which a reason is hard to read."""
MOST_COMMANDS = 2
"""Lines that name the commands which would compute what is missing: with five questions, fourteen lights, heads, sum
and the path below they fill 24."""
STYLES = {"green": "green", "amber": "yellow", "red": "bold red", "grey": "dim"}


def show(verdict: dict[str, Any]) -> None:
    """Print the section ``verdict`` of results.json on stdout, a line per light: long reasons end in an ellipsis."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    width = min(console.width, WIDEST)
    shown = {name: light["figures"][light["shown"]] for name, light in verdict["lights"].items()}
    if any("value" in figure for figure in shown.values()):
        heads = f"{'':<{LIGHT}} {'':<{ABOUT}} {'figure [interval]':<{FIGURE}} {'limits':<{LIMITS}}    n"
        console.print(_cut(Text(heads, style="dim"), width))
    for asked in verdict["questions"].values():
        console.print(_cut(Text(f"{asked['question']} {asked['answer']}", style="bold"), width))
        for name in asked["lights"]:
            light = verdict["lights"][name]
            line = Text(f"{light['light']:<{LIGHT}}", style=STYLES[light["light"]])
            line.append(f" {light['title']:<{ABOUT}} {_told(shown[name])}", style="default not bold")
            console.print(_cut(line, width))
    console.print(verdict["sentence"])
    for line in _commands(list(shown.values()), width):
        console.print(line)


def _cut(line: Text, width: int) -> Text:
    """``line`` on one line: what does not fit ends in an ellipsis."""
    line.truncate(width, overflow="ellipsis")
    return line


def in_short(verdict: dict[str, Any]) -> dict[str, str]:
    """The colour of each light."""
    return {name: light["light"] for name, light in verdict["lights"].items()}


def _commands(figures: list[dict[str, Any]], width: int) -> list[str]:
    """The commands that would compute what is missing, each once, on a few lines."""
    found = list(dict.fromkeys(figure["command"] for figure in figures if figure.get("command")))
    told = f"For the rest: {'; '.join(found)}" if found else ""
    return textwrap.wrap(told, width, max_lines=MOST_COMMANDS, placeholder=" …")


def _told(figure: dict[str, Any]) -> str:
    """A figure with its interval, limits and n; or why there is none."""
    if "said" in figure:
        return str(figure["said"])
    if "value" not in figure:
        return str(figure["not_computed"])
    value, low, high = (_number(figure[key]) for key in ("value", "low", "high"))
    n = figure["n"]
    counted = n if n < 10_000 else f"{n // 1000}k"
    return f"{f'{value} [{low}, {high}]':<{FIGURE}} {limits_in_words(figure['limits']):<{LIMITS}} {counted:>4}"


def _number(value: float) -> str:
    """Three digits, and no more decimals: the columns must hold it."""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{round(value, 3) + 0.0:.3g}"


def limits_in_words(limits: list[float | None]) -> str:
    """``-0.03 to 0.03``, ``at most 3``, ``at least 0.6``."""
    low, high = limits
    if low is None or high is None:
        return f"at most {high:g}" if low is None else f"at least {low:g}"
    return f"{low:g} to {high:g}"
