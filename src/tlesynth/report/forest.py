"""A forest chart: effects of the disease with their intervals, the synthetic under the real of the same measure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tlesynth.report.pictures import Picture, Theme, chart, reach

Interval = tuple[float, float, float]
"""Value, low, high."""
APART = 0.16
"""Distance of a real and a synthetic effect from the line that they share."""
ROW_INCHES, FRAME_INCHES, WIDTH_INCHES = 0.29, 0.9, 6.4


@dataclass(frozen=True)
class Effect:
    """A measure in words with its real and its synthetic effect."""

    words: str
    real: Interval
    synthetic: Interval


def forest(effects: list[Effect], label: str) -> Picture:
    """The effects from top to bottom; ``label`` says what the axis is."""

    def draw(axes: Any, theme: Theme) -> None:
        for place, effect in enumerate(effects):
            for source, offset, shape in (("real", -APART, "o"), ("synthetic", APART, "D")):
                value, low, high = getattr(effect, source)
                axes.errorbar(
                    value,
                    place + offset,
                    xerr=reach(value, low, high),
                    fmt=shape,
                    color=getattr(theme, source),
                    markersize=4,
                    elinewidth=1.4,
                    label=source if place == 0 else None,
                )
        axes.axvline(0, color=theme.muted, linewidth=0.8, zorder=1)
        axes.set_yticks(range(len(effects)), [e.words for e in effects])
        axes.set_ylim(len(effects) - 0.5, -0.5)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel(label)
        axes.legend(loc="lower right", ncols=2, bbox_to_anchor=(1, 1.0), handletextpad=0.2, columnspacing=0.9)

    words = "; ".join(f"{e.words}: real {e.real[0]:+.2f}, synthetic {e.synthetic[0]:+.2f}" for e in effects)
    size = (WIDTH_INCHES, FRAME_INCHES + ROW_INCHES * len(effects))
    return chart(draw, f"Effect sizes of the disease, real and synthetic. {words}.", size=size)
