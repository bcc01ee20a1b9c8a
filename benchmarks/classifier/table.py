"""The measured figures as a Markdown table, read from the results that lie here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rows import compared, lines


def table(folder: Path) -> list[str]:
    """Lines of the table; a result that is not there has no rows."""
    return lines(folder, {"step": _step})


def _step(result: dict[str, Any]) -> list[list[str]]:
    return compared("train step of the 2D classifier", result["seconds"], result["ratios"], digits=(1, 1))
