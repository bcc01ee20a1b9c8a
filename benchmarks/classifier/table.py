"""The measured figures as a Markdown table, read from the results that lie here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rows import compared, lines, met


def table(folder: Path) -> list[str]:
    """Lines of the table; a result that is not there has no rows."""
    return lines(folder, {"step": _step, "whole": _whole})


def _step(result: dict[str, Any]) -> list[list[str]]:
    return compared("train step of the 2D classifier", result["seconds"], result["ratios"], digits=(1, 1))


def _whole(result: dict[str, Any]) -> list[list[str]]:
    minutes, loading = result["minutes"], result["loading"]
    name = f"2D classifier on {result['scans']['training']} scans, {result['steps']} steps"
    return [
        [name, f"{minutes['wall']:.1f} min", "", "", f"under {minutes['most']:g} min", met(minutes)],
        ["share of it spent loading", f"{100 * result['loading_share']:.1f} %", "", "", "", met(loading)],
    ]
