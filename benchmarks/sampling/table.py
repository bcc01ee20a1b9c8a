"""The measured figures as Markdown tables, read from the results that lie here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rows import compared, lines, met, or_none, shapes, times

VARIANTS_HEAD = (
    "| variant | steps | held-out velocity error | clean error | Frechet | energy distance | d, left against right |",
    "|---|---|---|---|---|---|---|",
)


def table(folder: Path) -> list[str]:
    """Lines of the tables; a result that is not there has no rows."""
    makers = {"denoise": _denoise, "step": _step, "sample": _sample, "scale": _scale, "memory": _memory}
    made = lines(folder, makers | {"shapes": shapes})
    path = folder / "variants.json"
    return made + (["", *variants(json.loads(path.read_text()))] if path.is_file() else [])


def variants(result: dict[str, Any]) -> list[str]:
    """The ablation as a table of its own; the real scans are its last row."""
    rows = []
    for name, entry in result["variants"].items():
        steps = str(entry["points"][-1]["step"]) if entry.get("points") else ""
        errors = entry["errors"]
        figures = [f"{errors['velocity_mse']:.4f}", f"{errors['clean_mse']:.4f}"]
        rows.append([name, steps, *figures, *_distances(entry), _effect(entry["effect"])])
    real = result["real_effect"]
    for name, entry in result["distances"].items():
        effect = _effect(real["decoded"]) if name == "training scans" else ""
        rows.append([name, "", "", "", *_distances(entry), effect and f"{effect} (decoded)"])
    if real["scans"]:
        rows.append(["training scans, as they are", "", "", "", "", "", _effect(real["scans"])])
    return [*VARIANTS_HEAD, *("| " + " | ".join(row) + " |" for row in rows)]


def _denoise(result: dict[str, Any]) -> list[list[str]]:
    rows = []
    for batch, work in result["work"].items():
        rows += compared(f"denoiser's pass, {batch} at a time", work["seconds"], work["ratios"])
        ours, entry = work["seconds"]["onednn fp32"]["median_s"], work["fp32"]
        plain = f"{work['seconds']['plain fp32']['median_s']:.3f} s"
        name = f"denoiser's pass in float32 by oneDNN, {batch} at a time, against plain fp32"
        rows.append([name, f"{ours:.3f} s", plain, times(entry), or_none(entry["target"]), met(entry)])
    for name, entry in result["errors"].items():
        rows.append(
            [
                f"error of {name} against float64",
                f"{entry['relative']:.2g}",
                "",
                or_none(entry.get("most")),
                "",
                met(entry),
            ]
        )
    return rows


def _step(result: dict[str, Any]) -> list[list[str]]:
    curve = result["curve"]
    apart = f"at most {100 * curve['apart']:.2g} % apart"
    return [
        *compared(f"train step of {result['batch']}", result["seconds"], result["ratios"]),
        [
            f"loss over {curve['steps']} steps, against plain fp32",
            apart,
            "",
            f"{100 * curve['most']:g} %",
            "",
            met(curve),
        ],
    ]


def _sample(result: dict[str, Any]) -> list[list[str]]:
    rows = compared("a brain in 20 steps", result["seconds"], result["ratios"], ours="ours, 20 steps", digits=(2, 1))
    for name, entry in result["absolute"].items():
        seconds = f"{result['seconds'][name]['median_s']:.2f} s"
        rows.append([f"a brain: {name}", seconds, "", f"{entry['most_s']:g} s", "", met(entry)])
    hourly = result["volumes_an_hour"]
    return [*rows, ["volumes an hour", str(hourly["ours"]), "", "", or_none(hourly["target"]), met(hourly)]]


def _scale(result: dict[str, Any]) -> list[list[str]]:
    rows = []
    for n, entry in result["larger"].items():
        figure = f"time a subject, {n} against {result['against']}"
        ours = f"{entry['ratio']:g}, {entry['more_mib']:g} MiB more"
        rows.append([figure, ours, "", f"{entry['most']:g}, {entry['most_mib']:g} MiB", "", met(entry)])
    batches = ", ".join(map(str, result["same_bits"]["batches"]))
    return [*rows, [f"same bits in batches of {batches}", "", "", "", "", met(result["same_bits"])]]


def _memory(result: dict[str, Any]) -> list[list[str]]:
    whole, steps = result["sample"], result["train_step"]
    ours, plain = steps["ours"], steps["plain fp32"]
    return [
        ["`sample`, the whole process", f"{whole['gib']:.2f} GiB", "", "", or_none(whole["target_gib"]), met(whole)],
        [
            f"train step of {result['batch']}, over the model",
            f"{ours['gib']:.2f} GiB",
            f"plain fp32 {plain['gib']:.2f} GiB",
            "",
            or_none(ours["target_gib"]),
            met(ours),
        ],
    ]


def _distances(entry: dict[str, Any]) -> list[str]:
    return ["not finite" if entry[name] is None else f"{entry[name]:.3g}" for name in ("frechet", "energy")]


def _effect(entry: dict[str, Any]) -> str:
    return "not measured" if entry["d"] is None else f"{entry['d']:.2f} ± {entry['half_width']:.2f}"
