"""One picture a scan: three planes with the places that speak for (red) and against (blue) the positive class."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from tlesynth import durable
from tlesynth.volume import Grid

BANNER = "Research use only, not a medical device, not for diagnosis."
SMOOTHED_MM = 4.0
"""Standard deviation: single voxels of a network's gradient mean nothing."""
FAINTEST = 0.15
"""Share of the strongest place below which nothing is painted."""
PLANES = (
    (0, "sagittal", ("posterior", "anterior")),
    (1, "coronal", ("left", "right")),
    (2, "axial", ("left", "right")),
)


@dataclass(frozen=True)
class Saliency:
    """A map (X, Y, Z) of what each place adds, smoothed, and its strongest place as voxel indices."""

    values: NDArray[np.float32]
    strongest: tuple[int, int, int]


def saliency_of(attribution: NDArray[np.floating], volume: NDArray[np.floating], grid: Grid) -> Saliency:
    """Smooth a map (X, Y, Z) and find its strongest place inside the head; the middle where the map is empty."""
    values = gaussian_filter(np.asarray(attribution, np.float32), SMOOTHED_MM / grid.spacing)
    inside = np.abs(values) * (volume > 0)
    x, y, z = np.unravel_index(int(inside.argmax()), grid.shape) if inside.any() else [n // 2 for n in grid.shape]
    return Saliency(values, (int(x), int(y), int(z)))


def write_saliency(
    path: Path, volume: NDArray[np.floating], saliency: Saliency, grid: Grid, title: str, classes: tuple[str, str]
) -> None:
    """Draw the planes through the strongest place as a PNG, with ``title`` above, what the colours mean and the banner
    below; ``classes`` are the words for what blue and red speak for."""
    figure = Figure(figsize=(9, 3.9), dpi=110, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    top = float(np.abs(saliency.values).max()) or 1.0
    for place, (axis, name, ends) in enumerate(PLANES):
        axes = figure.add_axes((0.01 + 0.33 * place, 0.13, 0.32, 0.72))
        index = saliency.strongest[axis]
        grey, colour = (np.take(image, index, axis=axis).T[::-1] for image in (volume, saliency.values))
        axes.imshow(np.asarray(grey, np.float32), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        strength = np.abs(colour) / top
        axes.imshow(
            colour,
            cmap="coolwarm",
            vmin=-top,
            vmax=top,
            alpha=np.where(strength > FAINTEST, 0.25 + 0.5 * strength, 0.0),
        )
        millimetres = grid.origin[axis] + grid.spacing * index
        axes.set_title(f"{name}, {'xyz'[axis]} = {millimetres:.0f} mm", fontsize=9)
        axes.set_axis_off()
        for at, word in zip((0.02, 0.98), ends, strict=True):
            axes.text(
                at, 0.02, word, transform=axes.transAxes, ha="left" if at < 0.5 else "right", color="white", fontsize=8
            )
    figure.text(0.01, 0.95, title, fontsize=10, weight="bold", va="center")
    figure.text(0.01, 0.04, BANNER, fontsize=9, color="#a01010", va="center")
    legend = f"red speaks for {classes[1]}, blue for {classes[0]}"
    figure.text(0.99, 0.04, legend, fontsize=8, va="center", ha="right")
    with durable.replacing(path) as temporary:
        canvas.print_png(str(temporary))
