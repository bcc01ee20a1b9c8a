"""Rows of brains in three planes, as one small picture."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from tlesynth import durable
from tlesynth.volume import Grid

AT_MM = {0: 28.0, 1: -22.0, 2: -8.0}
"""A sagittal, a coronal and an axial plane, all through the hippocampus."""
GAP, TITLE = 2, 12


def write_rows(rows: Mapping[str, Sequence[np.ndarray]], grid: Grid, path: Path, top: float = 1.0) -> None:
    """Write volumes (X, Y, Z) on [0, ``top``] as WebP: a titled row for each entry, three planes a volume.

    Left of the picture is the person's left. With ``top`` below 0 the volumes are signed, grey is none.
    """
    strips = [_titled(name, [_grey(_planes(v, grid), top) for v in volumes]) for name, volumes in rows.items()]
    width = max(strip.shape[1] for strip in strips)
    whole = np.vstack([np.pad(strip, ((0, GAP), (0, width - strip.shape[1]))) for strip in strips])
    file = io.BytesIO()
    Image.fromarray(whole).save(file, "WEBP", quality=80)
    durable.write_bytes(path, file.getvalue())


def _planes(volume: np.ndarray, grid: Grid) -> np.ndarray:
    """The three planes side by side, superior and anterior up."""
    cuts = [np.take(volume, grid.index(axis, mm), axis) for axis, mm in AT_MM.items()]
    upright = [np.flipud(plane.T) for plane in cuts]
    tall = max(len(plane) for plane in upright)
    return np.hstack([np.pad(plane, ((tall - len(plane), 0), (0, GAP))) for plane in upright])


def _grey(plane: np.ndarray, top: float) -> np.ndarray:
    level = plane / top if top > 0 else 0.5 - plane / (2 * top)
    return (255 * np.clip(np.nan_to_num(level), 0, 1)).astype(np.uint8)


def _titled(name: str, tiles: Sequence[np.ndarray]) -> np.ndarray:
    strip = np.hstack(tiles)
    title = Image.new("L", (strip.shape[1], TITLE))
    ImageDraw.Draw(title).text((2, 0), name, fill=255)
    return np.vstack([np.asarray(title), strip])
