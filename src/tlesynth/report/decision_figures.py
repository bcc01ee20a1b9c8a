"""Figures of use: whether probabilities mean what they say, and whether acting on them is worth while.

They are drawn of the study's ledger, with intervals, or of a table of predictions, without.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tlesynth.metrics import decision
from tlesynth.metrics.weighted import share
from tlesynth.report.charts import ARM_WORDS
from tlesynth.report.ledger_figures import words_of
from tlesynth.report.pictures import Picture, Theme, chart, reach

Json = dict[str, Any]
SIZE = (4.4, 4.7)
LOWEST = -0.15
"""Net benefit below which the axis ends: acting on everybody falls without limit."""


@dataclass(frozen=True)
class Curve:
    """Points (x, y) of one classifier in order of x, with the ends of their intervals where they have some."""

    label: str
    x: Sequence[float]
    y: Sequence[float]
    ends: Sequence[tuple[float, float]] = ()


@dataclass(frozen=True)
class Judged:
    """Several classifiers on the same scans, of which ``prevalence`` are patients."""

    reliability: list[Curve]
    benefit: list[Curve]
    prevalence: float


def of_ledger(part: Json) -> Judged | None:
    """The curves of one network's section of the ledger; none where its study told none."""
    if "decisions" not in part:
        return None
    told = part["decisions"]
    reliability, benefit = [], []
    for arm, found in told["arms"].items():
        points = [(p["predicted"], p["observed"]) for p in found["reliability"]]
        reliability.append(_curve(words_of(arm), points))
        benefit.append(_curve(words_of(arm), zip(told["thresholds"], found["net_benefit"], strict=True)))
    return Judged(reliability, benefit, told["prevalence"])


def of_predictions(table: pd.DataFrame) -> Judged:
    """The curves of test scans with columns arm, group (hc, tle) and probability (of TLE)."""
    thresholds = np.array(decision.THRESHOLDS)
    reliability, benefit = [], []
    arms = [a for a in ARM_WORDS if a in set(table["arm"])] + sorted(set(table["arm"].dropna()) - set(ARM_WORDS))
    for arm in arms:
        rows = table[table["arm"] == arm]
        p, positive = pd.to_numeric(rows["probability"]).to_numpy(float), (rows["group"] == "tle").to_numpy()
        once, label = np.ones((1, len(p))), ARM_WORDS.get(arm, arm)
        n, predicted, observed = decision.bin_sums(p, positive, once, decision.edges_of(p, len(p)))
        known = n[0] > 0
        x, y = (share(total, n)[0][known].tolist() for total in (predicted, observed))
        reliability.append(Curve(label, x, y))
        gains = decision.net_benefit(p, positive, once, thresholds)[0]
        benefit.append(Curve(label, decision.THRESHOLDS, gains.tolist()))
    return Judged(reliability, benefit, float((table["group"] == "tle").mean()))


def reliability(judged: Judged) -> Picture:
    """Share of patients against what the classifier gave them; on the dashed line it is right."""

    def draw(axes: Any, theme: Theme) -> None:
        axes.plot([0, 1], [0, 1], color=theme.muted, linewidth=0.8, linestyle=(0, (3, 3)))
        for place, curve in enumerate(judged.reliability):
            _points(axes, curve, theme.series[place % len(theme.series)])
        axes.set(xlabel="probability that was given", ylabel="share who are patients")
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        axes.set_aspect("equal")
        _legend(axes)

    told = "; ".join(f"{c.label}: {_listed(c)}" for c in judged.reliability)
    return chart(draw, f"Share of patients by the probability that was given, as given to found. {told}.", size=SIZE)


def benefit(judged: Judged) -> Picture:
    """Net benefit against the probability from which one acts, beside acting on everybody and on nobody."""
    thresholds = np.linspace(0.01, 0.95, 95)

    def draw(axes: Any, theme: Theme) -> None:
        everybody = decision.treat_all(judged.prevalence, thresholds)
        axes.plot(thresholds, everybody, color=theme.muted, linestyle=(0, (1, 1.5)), linewidth=1.4, label="everybody")
        axes.axhline(0, color=theme.muted, linewidth=1, label="nobody")
        for place, curve in enumerate(judged.benefit):
            colour = theme.series[place % len(theme.series)]
            axes.plot(curve.x, curve.y, color=colour, linewidth=1.6, label=curve.label)
            if curve.ends:
                axes.fill_between(curve.x, *zip(*curve.ends, strict=True), color=colour, alpha=0.12, linewidth=0)
        axes.set(xlabel="probability from which one acts", ylabel="net benefit")
        axes.set(xlim=(0, 1), ylim=(LOWEST, judged.prevalence * 1.1 + 0.02))
        _legend(axes)

    told = "; ".join(f"{c.label} {_at_half(c)}" for c in judged.benefit)
    everybody = float(decision.treat_all(judged.prevalence, np.array([0.5]))[0])
    alt = f"Net benefit by the probability from which one acts. At 0.5: {told}; everybody {everybody:.3f}; nobody 0."
    return chart(draw, alt, size=SIZE)


def _curve(label: str, points: Any) -> Curve:
    """Points (x, interval) of which those that were computed are kept."""
    kept = [(x, found) for x, found in points if "value" in found]
    ends = [(found["low"], found["high"]) for _, found in kept]
    return Curve(label, [x for x, _ in kept], [found["value"] for _, found in kept], ends)


def _points(axes: Any, curve: Curve, colour: str) -> None:
    axes.plot(curve.x, curve.y, "o-", color=colour, linewidth=1.2, markersize=4, label=curve.label)
    for x, y, (low, high) in zip(curve.x, curve.y, curve.ends, strict=False):
        axes.errorbar(x, y, reach(y, low, high), color=colour, capsize=2, elinewidth=0.9)


def _legend(axes: Any) -> None:
    """Above the axes: curves may run anywhere within them."""
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)


def _listed(curve: Curve) -> str:
    return ", ".join(f"{x:.2f} to {y:.2f}" for x, y in zip(curve.x, curve.y, strict=True))


def _at_half(curve: Curve) -> str:
    return next((f"{y:.3f}" for x, y in zip(curve.x, curve.y, strict=True) if x == 0.5), "not computed")
