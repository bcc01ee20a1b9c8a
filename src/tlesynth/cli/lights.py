"""The verdict on one screen: a line per light with the figure that decided it, and what is missing."""

from __future__ import annotations

from typing import Any

LIGHT, ABOUT, FIGURE, LIMITS = 5, 30, 24, 13
"""Widths of the columns; with n they fill 80."""
WIDEST = 100
"""Columns beyond which a reason is hard to read."""
STYLES = {"green": "green", "amber": "yellow", "red": "bold red", "grey": "dim"}


def show(verdict: dict[str, Any]) -> None:
    """Print the section ``verdict`` of results.json on stdout."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    heads = f"{'':<{LIGHT}} {'':<{ABOUT}} {'figure [interval]':<{FIGURE}} {'limits':<{LIMITS}}    n"
    console.print(Text(heads, style="dim"))
    for asked in verdict["questions"].values():
        console.print(Text(f"{asked['question']} {asked['answer']}", style="bold"))
        table = Table.grid(padding=(0, 1, 0, 0))
        table.add_column(width=LIGHT)
        table.add_column(width=ABOUT)
        table.add_column()
        for light in (verdict["lights"][name] for name in asked["lights"]):
            told = Text(_told(light["figures"][light["shown"]]))
            table.add_row(Text(light["light"], style=STYLES[light["light"]]), light["title"], told)
        console.print(table, width=min(console.width, WIDEST))
    console.print(verdict["sentence"])


def in_short(verdict: dict[str, Any]) -> dict[str, str]:
    """The colour of each light."""
    return {name: light["light"] for name, light in verdict["lights"].items()}


def _told(figure: dict[str, Any]) -> str:
    """A figure with its interval, limits and n; or why there is none."""
    if "said" in figure:
        return str(figure["said"])
    if "value" not in figure:
        command = f" ({figure['command']})" if figure.get("command") else ""
        return f"{figure['not_computed']}{command}"
    value, low, high = (f"{figure[key]:.3g}" for key in ("value", "low", "high"))
    told = f"{value} [{low}, {high}]"
    return f"{told:<{FIGURE}} {limits_in_words(figure['limits']):<{LIMITS}} {figure['n']:>4}"


def limits_in_words(limits: list[float | None]) -> str:
    """``-0.03 to 0.03``, ``at most 3``, ``at least 0.6``."""
    low, high = limits
    if low is None or high is None:
        return f"at most {high:g}" if low is None else f"at least {low:g}"
    return f"{low:g} to {high:g}"
