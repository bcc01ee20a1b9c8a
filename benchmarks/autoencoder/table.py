"""The measured figures as one Markdown table, read from the results that lie here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rows import compared, lines, met, or_none, shapes


def table(folder: Path) -> list[str]:
    """Lines of the table; a result that is not there has no rows."""
    makers = {"speed": _speed, "memory": _memory, "executor": _executor, "shapes": shapes, "loader": _loader}
    return lines(folder, makers | {"quality": _quality})


def _speed(result: dict[str, Any]) -> list[list[str]]:
    rows = []
    for kind, work in result["work"].items():
        rows += compared(kind.replace("_", " "), work["seconds"], work["ratios"], digits=(2, 1))
    return rows


def _memory(result: dict[str, Any]) -> list[list[str]]:
    peaks, rows = result["peaks"], []
    for kind, ours in peaks.get("ours", {}).items():
        peers = ", ".join(f"{name} {entry[kind]['gib']:.2f}" for name, entry in peaks.items() if name != "ours")
        rows.append(
            [
                f"{kind.replace('_', ' ')}, peak memory over the model",
                f"{ours['gib']:.2f} GiB",
                f"{peers} GiB" if peers else "",
                "",
                or_none(ours.get("target_gib")),
                met(ours),
            ]
        )
    return rows


def _executor(result: dict[str, Any]) -> list[list[str]]:
    return [
        [
            f"MONAI's weights decoded in {precision}",
            f"{result['seconds'][f'ours {precision}']['median_s']:.1f} s",
            f"{result['seconds']['monai 64-128-256 r2 fp32']['median_s']:.1f} s",
            f"{entry['ratio']:g} ({entry['range'][0]:g} to {entry['range'][1]:g}), {_difference(precision, entry)}",
            or_none(entry["target"]),
            met(entry),
        ]
        for precision, entry in result["ours"].items()
    ]


def _difference(precision: str, entry: dict[str, Any]) -> str:
    """What was held against its bound: float32's greatest absolute difference, bfloat16's relative one (2-norm)."""
    if precision == "fp32":
        return f"greatest difference {entry['max_abs_difference']:.1g}"
    return f"relative difference {100 * entry['relative_difference']:.1f} % in the 2-norm"


def _loader(result: dict[str, Any]) -> list[list[str]]:
    share = f"{100 * result['loader_share']:.2f} % of a step"
    return [["fetching a batch", share, "", "", f"{100 * result['target']:g} %", met(result)]]


def _quality(result: dict[str, Any]) -> list[list[str]]:
    rows = []
    for title in ("equal_steps", "equal_core_seconds"):
        for name, point in result[title].items():
            figures = f"L1 {point['l1_brain']:.4f}, PSNR {point['psnr_brain_db']:.1f} dB in the brain"
            rows.append([f"{name} at {title.replace('_', ' ')}: step {point['step']}", figures, "", "", "", ""])
    for name, share in result.get("share_of_compute", {}).items():
        reached = share["to_the_end"]
        shown = "not reached" if reached is None else f"{reached:.2f} of its core-seconds"
        rows.append([f"{name}'s last L1 reached in", shown, "", "", "0.25" if name.startswith("maisi") else "", ""])
    return rows
