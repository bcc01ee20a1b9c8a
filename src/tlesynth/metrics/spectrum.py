"""Where in frequency a reconstruction loses or adds something: its power against the input's, and traces of the grid.

A decoder that upsamples by 2 and by 4 leaves its mark, where it leaves one, at 1/2 and 1/4 cycles per voxel.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import fft

BANDS = (0.0, 1 / 32, 1 / 16, 3 / 32, 1 / 8, 5 / 32, 3 / 16, 1 / 4, 5 / 16, 3 / 8, 1 / 2)
"""Edges of the frequency bands in cycles per voxel; the latent's own grid ends at 1/8."""
PERIODS = (4, 2)
"""Voxels after which what a decoder's stages do repeats."""
LEAST_POWER = 1e-20


def band_power(volume: NDArray[np.floating]) -> NDArray[np.float64]:
    """Mean power of a volume (X, Y, Z) in each band of ``BANDS`` by the length of the frequency: (bands,).

    A volume that is 0 along its faces, as a brain in its box is, needs no window. The constant part is left out.
    """
    x, y, z = volume.shape
    power = np.abs(fft.rfftn(np.asarray(volume, np.float32), workers=1)) ** 2  # (X, Y, Z // 2 + 1)
    f = (fft.fftfreq(x)[:, None, None], fft.fftfreq(y)[:, None], fft.rfftfreq(z))
    radius = np.sqrt(sum(axis**2 for axis in f))
    weight = np.where((f[2] > 0) & (f[2] < 0.5), 2.0, 1.0) * (radius > 0)  # the half that rfftn leaves out
    band = np.digitize(radius, BANDS[1:])  # beyond 1/2, in the corners of the box: one more, not kept
    total = np.bincount(band.ravel(), (power * weight).ravel(), len(BANDS))
    count = np.bincount(band.ravel(), np.broadcast_to(weight, radius.shape).ravel(), len(BANDS))
    return (total / np.maximum(count, 1))[: len(BANDS) - 1]


def axis_power(error: NDArray[np.floating], axis: int) -> NDArray[np.float64]:
    """Power (N // 2 + 1,) along one axis of a volume of N voxels there, averaged over all lines of that axis."""
    lines = fft.rfft(np.asarray(error, np.float32), axis=axis, workers=1)
    return (np.abs(lines) ** 2).mean(axis=tuple(a for a in range(3) if a != axis), dtype=np.float64)


def grid_excess(power: NDArray[np.float64], n: int, period: int) -> float:
    """How far the power along an axis of ``n`` voxels at one cycle per ``period`` stands above its neighbours, in dB.

    About 0 where nothing repeats with the grid. The neighbours are the frequencies on both sides, the nearest left
    out because the brain's edge spreads a line over them; their geometric mean follows a spectrum that falls. At
    period 2 there is only one side; there a real signal's spectrum is flat.

    Raises:
        ValueError: if ``period`` does not divide ``n``.
    """
    if n % period:
        raise ValueError(f"period {period} does not divide {n} voxels")
    place = n // period
    offsets = np.arange(2, max(3, n // 14) + 1)
    around = np.concatenate([place - offsets, place + offsets])
    around = around[(around > 0) & (around < len(power))]
    levels = 10 * np.log10(np.maximum(power, LEAST_POWER))
    return float(levels[place] - levels[around].mean())


def grid_artefacts(error: NDArray[np.floating]) -> dict[tuple[str, int], float]:
    """``grid_excess`` of an error volume (X, Y, Z) by axis (x, y, z) and period (4, 2), in dB."""
    found = {}
    for axis, name in enumerate("xyz"):
        power = axis_power(error, axis)
        for period in PERIODS:
            found[name, period] = grid_excess(power, error.shape[axis], period)
    return found


def band_names() -> list[str]:
    """The bands in words, cycles per voxel."""
    return [f"{low:.3f} to {high:.3f}" for low, high in pairwise(BANDS)]
