"""Charts of the report: hippocampal asymmetry, training curves, ROC curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tlesynth.report.pictures import Picture, Theme, chart, reach
from tlesynth.seeds import generator

JITTER = 0.13
ARM_WORDS = {
    "real": "real only",
    "synthetic": "synthetic only",
    "real+0.25": "real + synthetic 1:0.25",
    "real+0.5": "real + synthetic 1:0.5",
}
NOT_CURVES = ("step", "phase", "learning_rate", "gradient_norm", "epoch")
SHARED = ("loss", "val_loss", "val_score")
"""Columns that every phase writes."""
OTHER_NETWORK = "discriminator"
MOST_PANELS = 6
FEW_POINTS = 25
WIDE_RANGE = 30
"""Ratio of the largest to the smallest value from which an axis is logarithmic."""


@dataclass(frozen=True)
class Curve:
    """One line of a training chart: steps (N,) and values (N,), solid where it is a validation figure."""

    label: str
    steps: np.ndarray
    values: np.ndarray
    validation: bool


@dataclass(frozen=True)
class Spread:
    """What a distribution chart shows: dots by (group, source), and the interval (value, low, high) of each."""

    label: str
    groups: dict[str, str]
    """The words of each group, in the order of the axis."""
    dots: dict[tuple[str, str], np.ndarray]
    intervals: dict[tuple[str, str], tuple[float, float, float]]


def distributions(spread: Spread, alt: str, *, zero: bool = False) -> Picture:
    """Dots of every scan by group, real beside synthetic, mean and interval; ``zero`` draws a line at 0."""

    def draw(axes: Any, theme: Theme) -> None:
        for place, group in enumerate(spread.groups):
            for offset, source in ((-0.2, "real"), (0.2, "synthetic")):
                _dots(axes, place + offset, spread, (group, source), getattr(theme, source))
        if zero:
            axes.axhline(0, color=theme.muted, linewidth=0.8, zorder=1)
        axes.set_xticks(range(len(spread.groups)), list(spread.groups.values()))
        axes.set_ylabel(spread.label)
        axes.grid(axis="x", visible=False)
        axes.set_xlim(-0.5, len(spread.groups) - 0.5)
        for source in ("real", "synthetic"):
            axes.plot([], [], "o", color=getattr(theme, source), label=source, markersize=4)
        axes.legend(loc="upper right", ncols=2, bbox_to_anchor=(1, 1.13), handletextpad=0.1, columnspacing=0.8)

    return chart(draw, alt, size=(5.2, 3.4))


def receiver(predictions: pd.DataFrame) -> Picture:
    """ROC curves of every arm on the test scans; columns arm, group (hc, tle), probability (of TLE)."""
    arms = [a for a in ARM_WORDS if a in set(predictions["arm"])]
    arms += sorted(set(predictions["arm"].dropna()) - set(arms))

    def draw(axes: Any, theme: Theme) -> None:
        axes.plot([0, 1], [0, 1], color=theme.muted, linewidth=0.8, linestyle=(0, (3, 3)))
        for place, arm in enumerate(arms):
            rows = predictions[predictions["arm"] == arm]
            false, true = roc((rows["group"] == "tle").to_numpy(), pd.to_numeric(rows["probability"]).to_numpy(float))
            axes.plot(
                false, true, color=theme.series[place % len(theme.series)], linewidth=1.6, label=ARM_WORDS.get(arm, arm)
            )
        axes.set(
            xlabel="false alarms: controls called TLE", ylabel="patients found", xlim=(-0.01, 1.01), ylim=(-0.01, 1.01)
        )
        axes.set_aspect("equal")
        axes.legend(loc="lower right")

    words = ", ".join(ARM_WORDS.get(a, a) for a in arms)
    return chart(draw, f"ROC curves on the test scans, one for each training set: {words}.", size=(4.2, 4.0))


def roc(positive: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """False and true positive rates (K + 1,) as the threshold falls through the K distinct scores."""
    order = np.argsort(-score, kind="stable")
    score, positive = score[order], positive[order].astype(float)
    last = np.r_[np.nonzero(np.diff(score))[0], len(score) - 1]
    true, false = np.cumsum(positive)[last], np.cumsum(1 - positive)[last]
    return np.r_[0, false / max(false[-1], 1)], np.r_[0, true / max(true[-1], 1)]


def training(runs: dict[str, pd.DataFrame]) -> list[Picture]:
    """Small multiples of the training curves: one panel for each figure, one line for each run in ``runs``.

    A table has columns step, phase and figures as text; ``val_x`` is drawn with ``x``.
    """
    curves = {name: panel for name in _figures(runs) if (panel := _curves(runs, name))}
    return [_panel(name, panel) for name, panel in list(curves.items())[:MOST_PANELS]]


def training_apart(table: pd.DataFrame) -> list[Picture]:
    """The curves of one run, those of training batches and of validation scans in panels of their own.

    For an autoencoder, whose two are not the same quantity: it learns on moved scans or crops of them, from a draw of
    the posterior, and is validated on whole scans as they are, from the posterior's mean.
    """
    panels = []
    for name in _figures({"": table}):
        for curve in _curves({"": table}, name):
            told = "held-out scans" if curve.validation else "training batches"
            panels.append(_panel(f"{name}, {told}", [curve], legend=False))
    return panels[: 2 * MOST_PANELS]


def _figures(runs: dict[str, pd.DataFrame]) -> list[str]:
    names = [c.removeprefix("val_") for table in runs.values() for c in table.columns if c not in NOT_CURVES]
    first = [n for n in ("loss", "score") if n in names]
    return list(dict.fromkeys([*first, *names]))


def _curves(runs: dict[str, pd.DataFrame], name: str) -> list[Curve]:
    curves = []
    for run, table in runs.items():
        for column in (name, f"val_{name}"):
            validation = column.startswith("val_")
            words = ARM_WORDS.get(run, run) if len(runs) > 1 else "validation" if validation else "training"
            steps, values = _by_phase(table, column)
            if np.isfinite(values).sum() > 1:
                curves.append(Curve(words, steps, values, validation))
    return curves


def _by_phase(table: pd.DataFrame, column: str) -> tuple[np.ndarray, np.ndarray]:
    """Steps and values of a column, with a gap (NaN) where another phase begins: its losses are others.

    While the discriminator learns, the loss is its own and the autoencoder stands still: left out.
    """
    if column not in table:
        return np.empty(0), np.empty(0)
    rows = pd.DataFrame({c: pd.to_numeric(table[c], errors="coerce") for c in ("step", column)})
    rows["phase"] = table["phase"].fillna("") if "phase" in table else ""
    rows = rows.dropna()
    if column in SHARED:
        rows = rows[~rows["phase"].str.contains(OTHER_NETWORK)]
    parts = [part[["step", column]].to_numpy(float) for _, part in rows.groupby("phase", sort=False)]
    gap = np.full((1, 2), np.nan)
    joined = np.concatenate([piece for part in parts for piece in (gap, part)][1:] or [np.empty((0, 2))])
    return joined[:, 0], joined[:, 1]


def _panel(name: str, curves: list[Curve], *, legend: bool = True) -> Picture:
    labels = list(dict.fromkeys(c.label for c in curves))
    several = len(labels) > 2

    def draw(axes: Any, theme: Theme) -> None:
        named = set()
        for curve in curves:
            colour = theme.series[labels.index(curve.label)] if several else theme.series[int(curve.validation)]
            axes.plot(
                curve.steps,
                curve.values,
                color=colour,
                linewidth=1.6 if curve.validation else 0.9,
                alpha=1 if curve.validation else 0.6,
                marker="." if len(curve.steps) < FEW_POINTS else None,
                label=None if curve.label in named else curve.label,
            )
            named.add(curve.label)
        axes.set_title(name.replace("_", " "))
        axes.set_xlabel("step")
        values = np.concatenate([c.values[np.isfinite(c.values)] for c in curves])
        if values.min() > 0 and values.max() / values.min() > WIDE_RANGE:
            axes.set_yscale("log")
        if legend:
            axes.legend(loc="best")

    last = ", ".join(f"{c.label} ends at {c.values[-1]:.3g}" for c in curves[:6])
    return chart(draw, f"{name.replace('_', ' ')} against training step: {last}.")


def _dots(axes: Any, place: float, spread: Spread, key: tuple[str, str], colour: str) -> None:
    values = spread.dots.get(key, np.empty(0))
    jitter = generator(0, "report", *key).uniform(-JITTER, JITTER, len(values))
    axes.scatter(place + jitter, values, s=9, color=colour, alpha=0.4, linewidths=0, zorder=2)
    if key in spread.intervals:
        value, low, high = spread.intervals[key]
        axes.errorbar(
            place,
            value,
            reach(value, low, high),
            fmt="D",
            color=colour,
            markersize=5,
            capsize=4,
            elinewidth=1.8,
            zorder=4,
        )
