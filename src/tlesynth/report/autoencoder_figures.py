"""Pictures of the autoencoder's page: scans and their reconstructions in three planes, the hippocampi, the spectrum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tlesynth.data.cohort import Cohort
from tlesynth.report.pictures import Picture, Theme, chart, mapped_picture, slice_picture
from tlesynth.report.slices import ERROR_TOP, GROUP_WORDS, HIPPOCAMPAL_MM, cut
from tlesynth.volume import Grid

HIPPOCAMPAL_BOX_MM = {"coronal": ((-46, 46), (-40, 12)), "sagittal": ((-56, 8), (-44, 16))}
"""What the zoom shows of each plane: from and to, on its first and second axis."""
ZOOM_HEIGHT = 300
LATENT_NYQUIST = 1 / 8
"""Cycles per voxel above which a latent 4 times smaller on each axis cannot hold a wave by its grid alone."""


@dataclass(frozen=True)
class Shown:
    """A scan on the page: how it stands among the others, and rows of input, reconstruction and error."""

    participant_id: str
    group: str
    rank: str
    planes: tuple[tuple[Picture, Picture, Picture], ...]
    zooms: tuple[tuple[Picture, Picture, Picture], ...]


def shown_scan(original: Cohort, rebuilt: Cohort, subject: str, rank: str) -> Shown:
    """Three planes through the left hippocampus, and two views of the hippocampi, of one scan."""
    x, x_hat, grid = original.volume(subject), rebuilt.volume(subject), original.grid
    group = GROUP_WORDS[str(original.participants.loc[subject, "group"])]
    planes = tuple(_row(x, x_hat, grid, plane, subject) for plane in HIPPOCAMPAL_MM)
    zooms = tuple(_row(x, x_hat, grid, plane, subject, box) for plane, box in HIPPOCAMPAL_BOX_MM.items())
    return Shown(subject, group, rank, planes, zooms)


def spectrum_picture(spectrum: dict[str, Any]) -> Picture | None:
    """Power of the reconstruction over that of the input by frequency band, dB, with the interval over scans."""
    bands = spectrum["ratio_db"]
    if any(band is None for band in bands):
        return None
    edges = np.array(spectrum["edges"])
    middle = (edges[1:] + edges[:-1]) / 2
    value = np.array([band["value"] for band in bands])
    ends = np.array([[band[k] if band[k] is not None else band["value"] for k in ("low", "high")] for band in bands])

    def draw(axes: Any, theme: Theme) -> None:
        axes.axhline(0, color=theme.muted, linewidth=0.8)
        axes.axvline(LATENT_NYQUIST, color=theme.muted, linewidth=0.8, linestyle=(0, (3, 3)))
        axes.fill_between(middle, ends[:, 0], ends[:, 1], color=theme.series[0], alpha=0.2, linewidth=0)
        axes.plot(middle, value, color=theme.series[0], marker=".", linewidth=1.6)
        axes.set(xlabel="frequency (cycles per voxel)", ylabel="power, reconstruction over input (dB)", xlim=(0, 0.5))

    words = ", ".join(f"{f:.2f}: {v:+.1f} dB" for f, v in zip(middle, value, strict=True))
    alt = f"Power of the reconstructions over that of the inputs by frequency in cycles per voxel. {words}."
    return chart(draw, alt, size=(5.4, 3.3))


def _row(
    x: np.ndarray,
    x_hat: np.ndarray,
    grid: Grid,
    plane: str,
    subject: str,
    box: tuple[tuple[int, int], tuple[int, int]] | None = None,
) -> tuple[Picture, Picture, Picture]:
    """Input, reconstruction and absolute error of one plane, whole or inside ``box`` (mm)."""
    truth, made = (_cropped(cut(v, grid, plane, HIPPOCAMPAL_MM[plane]), grid, plane, box) for v in (x, x_hat))
    words, size = (
        (f"{plane} slice", {}) if box is None else (f"{plane} view of the hippocampus", {"height": ZOOM_HEIGHT})
    )
    return (
        slice_picture(truth, f"Input: {words} of {subject}.", f"{plane}: input", **size),
        slice_picture(made, f"Reconstruction: {words} of {subject}.", "reconstruction", **size),
        mapped_picture(
            np.abs(truth - made), ERROR_TOP, f"Absolute error: {words} of {subject}.", "absolute error", **size
        ),
    )


def _cropped(
    image: np.ndarray, grid: Grid, plane: str, box: tuple[tuple[int, int], tuple[int, int]] | None
) -> np.ndarray:
    if box is None:
        return image
    axes = {"coronal": (0, 2), "sagittal": (1, 2), "axial": (0, 1)}[plane]
    window = tuple(slice(grid.index(a, low), grid.index(a, high) + 1) for a, (low, high) in zip(axes, box, strict=True))
    return image[window]
