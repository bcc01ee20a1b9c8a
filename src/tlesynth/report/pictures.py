"""Pictures for the page: brain slices and charts as WebP inside data URIs, each with words in its place."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from tlesynth import durable

SLICE_HEIGHT = 224
"""Pixels of a brain slice; twice what the page shows, for sharp screens."""
SLICE_QUALITY = 82
CHART_DPI = 200


@dataclass(frozen=True)
class Picture:
    """An image for the page; ``dark`` is the same chart for a dark page (empty where one serves both)."""

    light: str
    alt: str
    width: int
    height: int
    caption: str = ""
    dark: str = ""


@dataclass(frozen=True)
class Theme:
    """The colours of a chart. Real and synthetic differ for every kind of colour vision (Okabe and Ito 2008)."""

    ink: str
    muted: str
    rule: str
    real: str
    synthetic: str
    series: tuple[str, ...]


LIGHT = Theme(
    "#1d2430",
    "#5b6675",
    "#dfe3e8",
    "#0b6aa6",
    "#c8560a",
    ("#0b6aa6", "#c8560a", "#12805f", "#a4457f", "#7a6a00", "#4d5a6b"),
)
DARK = Theme(
    "#e6e9ee",
    "#a3adba",
    "#333b46",
    "#62b6ea",
    "#f2a154",
    ("#62b6ea", "#f2a154", "#5fc9a4", "#e09cc4", "#d9c74a", "#a3adba"),
)


def slice_picture(plane: np.ndarray, alt: str, caption: str = "", height: int = SLICE_HEIGHT) -> Picture:
    """A slice (W, H) on [0, 1], first axis to the right and second up, in grey."""
    return _webp(_upright(np.clip(plane, 0, 1)), alt, caption, height)


def mapped_picture(plane: np.ndarray, top: float, alt: str, caption: str = "", height: int = SLICE_HEIGHT) -> Picture:
    """A slice (W, H) of values on [0, ``top``] in the magma colour map."""
    colours = mpl.colormaps["magma"](np.clip(plane / max(top, 1e-9), 0, 1))[..., :3]
    return _webp(_upright(colours), alt, caption, height)


def signed_picture(plane: np.ndarray, top: float, alt: str, caption: str = "", height: int = SLICE_HEIGHT) -> Picture:
    """A slice (W, H) of values on [-``top``, ``top``]: blue below 0, red above, white at 0."""
    return _webp(_upright(signed_colours(plane, top)), alt, caption, height)


def signed_colours(values: np.ndarray, top: float) -> np.ndarray:
    """Colours (..., 3) on [0, 1] of ``values`` (...) on [-``top``, ``top``]."""
    return mpl.colormaps["RdBu_r"](np.clip(values / (2 * max(top, 1e-9)) + 0.5, 0, 1))[..., :3]


def chart(
    draw: Callable[[Any, Theme], None], alt: str, caption: str = "", size: tuple[float, float] = (3.7, 2.7)
) -> Picture:
    """A chart of ``size`` inches drawn by ``draw(axes, theme)``, once for light and once for dark pages."""
    light, dark = (_chart_uri(draw, theme, size) for theme in (LIGHT, DARK))
    return Picture(light, alt, round(size[0] * 100), round(size[1] * 100), caption, dark)


def save_chart(draw: Callable[[Any, Theme], None], path: Path, size: tuple[float, float]) -> None:
    """Write a chart of ``size`` inches for light pages to an SVG file of its own, the same bytes each time."""
    with durable.replacing(path) as temporary, mpl.rc_context({"svg.hashsalt": path.name}):
        _canvas(draw, LIGHT, size).figure.savefig(temporary, metadata={"Date": None})


def _chart_uri(draw: Callable[[Any, Theme], None], theme: Theme, size: tuple[float, float]) -> str:
    # The canvas' own pixels: savefig would draw everything twice.
    canvas = _canvas(draw, theme, size)
    canvas.draw()
    return _uri(Image.fromarray(np.asarray(canvas.buffer_rgba())), lossless=True)


def _canvas(draw: Callable[[Any, Theme], None], theme: Theme, size: tuple[float, float]) -> FigureCanvasAgg:
    style = {
        "font.size": 8.5,
        "text.color": theme.ink,
        "axes.edgecolor": theme.muted,
        "axes.labelcolor": theme.ink,
        "xtick.color": theme.muted,
        "ytick.color": theme.muted,
        "xtick.labelcolor": theme.ink,
        "ytick.labelcolor": theme.ink,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.7,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": theme.rule,
        "grid.linewidth": 0.7,
        "legend.frameon": False,
        "legend.fontsize": 7.5,
        "axes.titlesize": 9,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
    }
    with mpl.rc_context(style):  # ty: ignore[invalid-argument-type]
        figure = Figure(figsize=size, dpi=CHART_DPI, layout="constrained", facecolor="none")
        canvas = FigureCanvasAgg(figure)
        axes = figure.subplots()
        axes.patch.set_alpha(0)
        draw(axes, theme)
    return canvas


def _upright(plane: np.ndarray) -> np.ndarray:
    """Array order (right, up) to image order (down, right)."""
    return np.swapaxes(plane, 0, 1)[::-1]


def _webp(pixels: np.ndarray, alt: str, caption: str, height: int) -> Picture:
    image = Image.fromarray(np.round(pixels * 255).astype(np.uint8))
    width = max(1, round(image.width * height / image.height))
    image = image.resize((width, height), Image.Resampling.BICUBIC)
    return Picture(_uri(image, lossless=False), alt, width, height, caption)


def _uri(image: Image.Image, *, lossless: bool) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", lossless=lossless, quality=SLICE_QUALITY, method=4)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


def reach(value: float, low: float, high: float) -> list[list[float]]:
    """How far an interval reaches down and up from its value, as error bars want it: never below 0 by rounding."""
    return [[max(0.0, value - low)], [max(0.0, high - value)]]
