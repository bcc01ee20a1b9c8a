"""Canonical copies: what a scan's processing would tell of its origin is taken from all alike before anyone looks.

A real scan ends at its brain mask, a decoded one where its intensities fade; a decoded one has more voxels at its
ceiling. So every scan, real or synthetic, goes through the same four steps: a brain found in its own intensities, cut
back by a voxel and faded out over the next; background exactly 0; its own percentiles to 1 and 255; 8 bits.

What is left is the image itself: blur, noise, anatomy. That is what a study measures, so it is never touched.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tlesynth.errors import fail
from tlesynth.volume import Grid, write

Bytes = NDArray[np.uint8]
WINDOW = (0, 255)
FLOOR = 0.005
"""Share of the brain that is black; the share that is white is chosen for the whole study, see ``ceiling``."""
LEAST_CEILING, MOST_CEILING = 0.005, 0.05
SMOOTHING = 1.0
"""Voxels (standard deviation) by which an image is smoothed to find its brain, and its rim is faded."""
BRAIN = 0.3
"""Share of the 99.5th percentile above which the smoothed image is brain."""
RIM = 1
"""Voxels by which the brain is cut back: there masks differ."""
FADED = 0.25
"""Weight of the outermost voxels on a flat face; one smoothing length further in it is 1."""
EPOCH = 946_684_800
"""Modification time of every item, seconds (2000-01-01, UTC)."""


def brain(voxels: NDArray[np.float32], where: str) -> NDArray[np.bool_]:
    """The brain of a skull-stripped T1 (X, Y, Z): the largest bright piece, holes filled, cut back by ``RIM``.

    Raises:
        TlesynthError: NII-022 if there is none.
    """
    top = np.percentile(voxels[voxels > 0], 99.5) if (voxels > 0).any() else 0.0
    bright = ndimage.gaussian_filter(voxels, SMOOTHING) > BRAIN * top
    pieces, count = ndimage.label(bright)
    if count:
        bright = pieces == np.bincount(pieces.ravel())[1:].argmax() + 1
    inside = ndimage.binary_erosion(ndimage.binary_fill_holes(bright), iterations=RIM)
    if not top or not inside.any():
        raise fail("NII-022", where, "no brain was found in it")
    return inside


def saturated(voxels: NDArray[np.float32], inside: NDArray[np.bool_]) -> float:
    """Share of the brain that a scan's own writer had clipped at its ceiling."""
    values = voxels[inside]
    return float((values >= values.max() * (1 - 1e-4)).mean())


def ceiling(shares: list[float]) -> float:
    """Share of every brain that becomes white: that of the scan that had been clipped most, within limits."""
    return float(np.clip(max(shares), LEAST_CEILING, MOST_CEILING))


def canonical(voxels: NDArray[np.float32], inside: NDArray[np.bool_], white: float) -> Bytes:
    """A T1 (X, Y, Z) as the readers see it: background 0, brain 1 to 255, ``white`` of it at the top."""
    low, high = np.quantile(voxels[inside], [FLOOR, 1 - white])
    scaled = np.clip((voxels - low) / max(high - low, 1e-6), 0, 1)
    smooth = ndimage.gaussian_filter(inside.astype(np.float32), SMOOTHING)
    weight = np.clip(2 * smooth - 1 + FADED, 0, 1)
    shown = np.maximum(np.rint((1 + (WINDOW[1] - 1) * scaled) * weight), 1)
    return np.where(inside, shown, 0).astype(np.uint8)


def write_item(path: Path, shown: Bytes, grid: Grid) -> None:
    """Write a canonical copy: uncompressed, no text, the same header for all since each runs from 0 to 255."""
    write(path, shown, grid.affine, dtype="uint8", mni=True)
