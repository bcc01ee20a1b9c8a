"""The measured figures as Markdown tables, read from the results that lie in a folder, and what failed first of all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HEAD = ("| figure | seconds (least to most) | peak GiB | times ours |", "|---|---|---|---|")
KERNELS_HEAD = ("| kernel | forward s | with gradient s | TFLOP/s | error |", "|---|---|---|---|---|")
STAGES_HEAD = ("| stage | wall seconds | status | most GiB on the card | card busy |", "|---|---|---|---|---|")
PARTS = ("agree", "kernels", "speed", "whole")


def table(folder: Path) -> list[str]:
    """Lines of what failed or differs, then of each result's table; a result that is not there has none."""
    found = {n: json.loads((folder / f"{n}.json").read_text()) for n in PARTS if (folder / f"{n}.json").is_file()}
    lines = []
    for name, result in found.items():
        lines += [f"{name}: {len(result['faults'])} failed" if "faults" in result else f"{name}: not finished"]
        lines += [f"  failed: {one}" for one in result.get("faults", [])]
        lines += [f"  differs: {one}" for one in result.get("differ", [])]
    makers = {"kernels": (KERNELS_HEAD, _kernels), "speed": (HEAD, _speed), "whole": (STAGES_HEAD, _whole)}
    for name, (head, rows) in makers.items():
        lines += ["", *head, *rows(found[name])] if name in found else []
    return lines


def _kernels(result: dict[str, Any]) -> list[str]:
    rows = [_row(name, one.get("median_s", "")) for name, one in result.get("ceilings", {}).items()]
    for section in ("convolution", "attention", "norm"):
        for name, one in result.get(section, {}).items():
            if "forward" in one:
                forward, both = one["forward"], one["with_gradient"]
                cells = (forward["median_s"], both["median_s"], forward.get("tflop_per_s", ""), one["relative_error"])
                rows.append(_row(f"{section}: {name}", *cells))
    return rows


def _speed(result: dict[str, Any]) -> list[str]:
    rows = []
    for section, figures in _sections(result):
        ratios = result.get("ratios", {}).get(section, {})
        for name, one in figures.items():
            cells = (_seconds(one), one.get("peak_gib", ""), ratios.get(name, ""))
            rows.append(_row(f"{section}: {name}", *cells))
    return rows


def _sections(result: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Those parts of a result that hold figures."""
    named = [(name, part) for name, part in result.items() if name not in ("machine", "ratios")]
    return [(name, part) for name, part in named if isinstance(part, dict)]


def _seconds(entry: dict[str, Any]) -> str:
    if "error" in entry:
        return entry["error"].split(":")[0]
    spread = f" ({entry['least_s']:g} to {entry['most_s']:g})" if "least_s" in entry else ""
    return f"{entry['median_s']:g}{spread}"


def _whole(result: dict[str, Any]) -> list[str]:
    keys = ("wall_s", "status", "card_gib", "card_busy")
    return [_row(name, *(one.get(key, "") for key in keys)) for name, one in result.get("stages", {}).items()]


def _row(*cells: object) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"
