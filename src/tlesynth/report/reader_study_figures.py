"""The reader study on the page, and its figures as files for a paper: all from ``score.json``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tlesynth.report.pictures import Picture, Theme, chart, reach, save_chart
from tlesynth.report.sources import Absent, Files

SCORE, REHEARSED = "study/score.json", "rehearsal/score.json"
"""What people said, and what a simulated cohort's run lets simulated readers say."""
CURVE, SHARES, SCALE = "roc", "readers", "confidence"
ORIGINS = ("real", "synthetic")
ORIGIN_WORDS = {"real": "real scans", "synthetic": "synthetic scans", "pair": "pairs"}
SCALE_ENDS = {
    "yes-no": ("surely a person", "surely a computer"),
    "2afc": ("surely the first", "surely the second"),
    "diagnosis": ("a guess", "certain"),
}


@dataclass(frozen=True)
class Drawing:
    """A figure before it is a picture: how it is drawn, its words for those who cannot see it, its size in inches."""

    draw: Callable[[Any, Theme], None]
    alt: str
    size: tuple[float, float]


def pictures(files: Files) -> dict[str, Picture]:
    """The study's figures for the page; none where the run holds no score."""
    try:
        result = files.document(score_of(files))
    except Absent:
        return {}
    if "about" not in result:
        return {}
    return {name: chart(d.draw, d.alt, size=d.size) for name, d in drawings(result).items()}


def score_of(files: Files) -> str:
    """The score that the page shows: that of a study if there is one, else that of the run's rehearsal."""
    return REHEARSED if files.has(REHEARSED) and not files.has(SCORE) else SCORE


def save_figures(result: dict[str, Any], folder: Path) -> list[Path]:
    """Write the figures as SVG into ``folder``; a rehearsal's say so."""
    made = []
    for name, drawing in drawings(result).items():
        made.append(Path(folder) / f"{name}.svg")
        save_chart(drawing.draw, made[-1], drawing.size)
    return made


def drawings(result: dict[str, Any]) -> dict[str, Drawing]:
    """ROC curves (or the readers' shares) and how the scale was used."""
    first = {CURVE: _roc(result)} if result["about"]["design"] == "yes-no" else {SHARES: _shares(result)}
    marked = {name: _marked(drawing, result) for name, drawing in (first | {SCALE: _scale(result)}).items()}
    return marked


def _roc(result: dict[str, Any]) -> Drawing:
    readers = {name: r["roc"] for name, r in result["readers"].items() if "roc" in r}

    def draw(axes: Any, theme: Theme) -> None:
        axes.plot([0, 1], [0, 1], color=theme.muted, linewidth=0.8, linestyle=(0, (3, 3)))
        for place, (name, curve) in enumerate(readers.items()):
            colour = theme.series[place % len(theme.series)]
            axes.plot(curve["false"], curve["true"], "o-", color=colour, linewidth=1.6, markersize=3, label=name)
        axes.set(xlabel="real scans called synthetic", ylabel="synthetic scans called synthetic")
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        axes.set_aspect("equal")
        axes.legend(loc="lower right")

    areas = {name: r["auc"] for name, r in result["readers"].items() if "value" in r.get("auc", {})}
    words = "; ".join(f"{name} {area['value']:.2f}" for name, area in areas.items())
    return Drawing(draw, f"ROC curve of each reader's confidence, with the area under it: {words}.", (4.2, 4.0))


def _shares(result: dict[str, Any]) -> Drawing:
    pairs = result["about"]["design"] == "2afc"
    key, null = ("share", 0.5) if pairs else ("difference", 0.0)
    rows = {name: r[key] for name, r in result["readers"].items() if "value" in r.get(key, {})}
    if "value" in result["all"][key]:
        rows["all readers"] = result["all"][key]
    margin = result["about"]["margin"]

    def draw(axes: Any, theme: Theme) -> None:
        axes.axvspan(null - margin, null + margin, color=theme.rule, alpha=0.6, linewidth=0)
        axes.axvline(null, color=theme.muted, linewidth=0.8, linestyle=(0, (3, 3)))
        for place, found in enumerate(rows.values()):
            colour = theme.ink if place == len(result["readers"]) else theme.series[place % len(theme.series)]
            ends = reach(found["value"], found["low"], found["high"])
            axes.errorbar(found["value"], place, xerr=ends, fmt="D", color=colour, markersize=5, capsize=4)
        axes.set_yticks(range(len(rows)), list(rows))
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        axes.set_xlabel(
            "share of pairs in which the synthetic scan was named" if pairs else "accuracy, synthetic - real"
        )

    words = "; ".join(f"{name} {r['value']:.2f} [{r['low']:.2f}, {r['high']:.2f}]" for name, r in rows.items())
    return Drawing(draw, f"Each reader and all together, with intervals; the band is the margin: {words}.", (5.2, 2.9))


def _scale(result: dict[str, Any]) -> Drawing:
    used = {origin: np.zeros(6, int) for origin in ORIGIN_WORDS}
    for reader in result["readers"].values():
        for origin, counts in reader.get("confidence", {}).items():
            used[origin] = used[origin] + np.array(counts)
    shown = {origin: counts for origin, counts in used.items() if counts.sum()}
    ends = SCALE_ENDS[result["about"]["design"]]

    def draw(axes: Any, theme: Theme) -> None:
        width = 0.8 / len(shown)
        for place, (origin, counts) in enumerate(shown.items()):
            colour = getattr(theme, origin) if origin in ORIGINS else theme.series[0]
            at = np.arange(1, 7) + (place - (len(shown) - 1) / 2) * width
            axes.bar(at, counts, width * 0.92, color=colour, label=ORIGIN_WORDS[origin])
        axes.set_xticks(range(1, 7), [f"1\n{ends[0]}", "2", "3", "4", "5", f"6\n{ends[1]}"])
        axes.set_ylabel("answers")
        axes.grid(axis="x", visible=False)
        axes.legend(loc="upper center", ncols=2, bbox_to_anchor=(0.5, 1.15))

    words = "; ".join(f"{ORIGIN_WORDS[o]} {', '.join(map(str, counts))}" for o, counts in shown.items())
    return Drawing(draw, f"How often each of the six confidences was given, 1 to 6: {words}.", (4.2, 3.2))


def _marked(drawing: Drawing, result: dict[str, Any]) -> Drawing:
    """A rehearsal's figure with that written above it."""
    banner = result["about"]["banner"]
    if not banner:
        return drawing

    def draw(axes: Any, theme: Theme) -> None:
        drawing.draw(axes, theme)
        axes.figure.suptitle(banner, color=theme.muted, fontsize="medium")

    return Drawing(draw, f"{banner}. {drawing.alt}", drawing.size)
