"""Small histograms as inline SVG, with the limits drawn: they take the page's own colours, light or dark."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from tlesynth.data.preprocess.measures import Measure
from tlesynth.recipe.quality import Limit

WIDTH, HEIGHT, FOOT = 300, 96, 18
BARS = 30
FAR = 12.0
"""Median absolute deviations from the median beyond which a value is drawn at the end of the axis."""


def histogram(values: np.ndarray, measure: Measure, limit: Limit | None = None) -> Markup:
    """The distribution of one measure over scans, ``values`` (N,) finite; bars outside the limit stand out."""
    ends = _ends(limit)
    first, last = _reach(values, ends)
    margin = 0.03 * (last - first)
    low, high = first - margin, last + margin
    counts, edges = np.histogram(np.clip(values, low, high), BARS, (low, high))
    parts = [_bar(place, int(count), int(counts.max()), edges, ends) for place, count in enumerate(counts) if count]
    parts += [
        Markup('<line class="limit" x1="{0:.1f}" x2="{0:.1f}" y1="0" y2="{1}"/>').format(_x(v, low, high), HEIGHT)
        for v in ends
        if v is not None and low <= v <= high
    ]
    for value, anchor, mark in (
        (first, "start", "\u2264 " if values.min() < first else ""),
        (last, "end", "\u2265 " if values.max() > last else ""),
    ):
        parts.append(
            Markup('<text x="{:.1f}" y="{}" text-anchor="{}">{}{}</text>').format(
                _x(value, low, high), HEIGHT + FOOT - 4, anchor, mark, f"{value:.{measure.places}f}"
            )
        )
    outside = int(_outside(values, ends).sum())
    words = f"Histogram of {measure.words}: {len(values)} scans, median {np.median(values):.{measure.places}f}"
    words += f", {outside} outside the limit." if any(v is not None for v in ends) else "."
    return Markup('<svg class="histogram" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, HEIGHT + FOOT, words, Markup().join(parts)
    )


def _bar(place: int, count: int, most: int, edges: np.ndarray, ends: tuple[float | None, float | None]) -> Markup:
    tall = max(2.0, (HEIGHT - 4) * count / most)
    middle = (edges[place : place + 1] + edges[place + 1 : place + 2]) / 2
    width = WIDTH / BARS
    return Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
        "beyond" if _outside(middle, ends)[0] else "within", place * width + 0.5, HEIGHT - tall, width - 1, tall
    )


def _ends(limit: Limit | None) -> tuple[float | None, float | None]:
    return (None, None) if limit is None or limit.action == "ignore" else (limit.low, limit.high)


def _reach(values: np.ndarray, ends: tuple[float | None, float | None]) -> tuple[float, float]:
    """The axis: the bulk of the values, and a limit that is not far from them; what lies farther goes into the end."""
    centre = float(np.median(values))
    spread = float(np.median(np.abs(values - centre))) or float(values.std())
    far = max(FAR * spread, 1e-3 * max(abs(centre), 1e-3))
    low, high = max(float(values.min()), centre - far), min(float(values.max()), centre + far)
    near = [v for v in ends if v is not None and low - far < v < high + far]
    low, high = min([low, *near]), max([high, *near])
    return (low, high) if high > low else (low - far, high + far)


def _outside(values: np.ndarray, ends: tuple[float | None, float | None]) -> np.ndarray:
    low, high = ends
    return (values < (-np.inf if low is None else low)) | (values > (np.inf if high is None else high))


def _x(value: float, low: float, high: float) -> float:
    return WIDTH * (value - low) / (high - low)
