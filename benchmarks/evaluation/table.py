"""The measured figures as Markdown tables, read from the results that lie here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rows import lines, met

COST_HEAD = ("| volumes on each side | wall | core-seconds / 2 | memory | {} |", "|---|---|---|---|{}|")
GATE_HEAD = (
    "| generator | gate | copies | nearer to training, by the gate | by the audit: voxels, latents, figures "
    "| membership AUC, denoiser |",
    "|---|---|---|---|---|---|",
)


def table(folder: Path) -> list[str]:
    """Lines of the tables; a result that is not there has no rows."""
    made = lines(folder, {"cost": _targets})
    for name, rows in (("cost", sizes), ("gate", gates)):
        path = folder / f"{name}.json"
        made += ["", *rows(json.loads(path.read_text()))] if path.is_file() else []
    return made


def sizes(result: dict[str, Any]) -> list[str]:
    """What each size took, by part."""
    parts = list(next(iter(result["sizes"].values()))["parts"])
    head = [COST_HEAD[0].format(" | ".join(parts)), COST_HEAD[1].format("|".join("---" for _ in parts))]
    for n, one in result["sizes"].items():
        each = [f"{one['parts'][name]['wall_s']:.0f} s" for name in parts]
        row = [n, f"{one['wall_s']:.0f} s", f"{one['core_s'] / 2:.0f} s", f"{one['peak_gb']:.2f} GB", *each]
        head.append("| " + " | ".join(row) + " |")
    return head


def gates(result: dict[str, Any]) -> list[str]:
    """What the gate and the audit said of either generator."""
    rows = []
    for name, label in (("overfitted", f"overfitted on {result['subjects']}"), ("proper", "the run's own")):
        side = result[name]
        gate = side["gate"]
        near = ", ".join(_with_interval(found) for found in side["nearer"].values())
        told = _with_interval(side["membership"]["denoiser"])
        whole = _with_interval(gate.get("nearer_to_training", {}).get("share", {}))
        rows.append([label, gate["verdict"], f"{gate['dropped']} of {gate['drawn']}", whole, near, told])
    return [*GATE_HEAD, *("| " + " | ".join(row) + " |" for row in rows)]


def _targets(result: dict[str, Any]) -> list[list[str]]:
    n, minutes, memory = result["n"], result["minutes"], result["memory_gb"]
    rows = [
        [f"{n} against {n}", f"{minutes['value']:.1f} min", "", "", f"under {minutes['most']:g} min", met(minutes)],
        [f"{n} against {n}, memory", f"{memory['value']:.2f} GB", "", "", f"under {memory['most']:g} GB", met(memory)],
    ]
    for larger, entry in result["doubled"].items():
        told = {"met": entry["time"] <= entry["most"]}
        name = f"time of {larger} over that of half as many"
        rows.append([name, f"{entry['time']:.2f}", "", "", f"{entry['most']:g}", met(told)])
    if fit := result["fit"]["core"]:
        figure = f"{fit['slope_s']:.2f} s a pair of volumes and {fit['intercept_s']:.0f} s, R2 {fit['r2']:.4f}"
        rows.append(["core-seconds / 2, least squares", figure, "", "", "", ""])
    return rows


def _with_interval(found: dict[str, Any]) -> str:
    if "value" not in found:
        return "not computed"
    return f"{found['value']:.2f} [{found['low']:.2f}, {found['high']:.2f}]"
