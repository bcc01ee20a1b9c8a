"""Planted copies: what a detector is tried on before it is believed. An audit without them proves nothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tlesynth.data.deformation import exponential, random_field, sample
from tlesynth.data.resampling import WORK

Floats = NDArray[np.float32]
NOISE = 0.05
"""Standard deviation of added noise, on [0, 1], in voxels of 3 mm."""
SHIFT_MM, WARP_MM, WARP_SMOOTH_MM = 4.0, 2.0, 15.0
"""Length of a shift; a warp's root mean square component, and how smooth it is."""
GAIN, GAMMA = (0.8, 1.2), (0.7, 1.4)

Plant = Callable[[Floats, Floats, np.random.Generator], Floats]


def _noised(scan: Floats, other: Floats, random: np.random.Generator) -> Floats:
    noise = random.normal(0, NOISE, scan.shape)
    return np.where(scan > 0, np.clip(scan + noise, 0, 1), 0).astype(np.float32)


def _shifted(scan: Floats, other: Floats, random: np.random.Generator) -> Floats:
    way = random.standard_normal(3)
    return ndimage.shift(scan, SHIFT_MM / WORK.spacing * way / np.linalg.norm(way), order=1)


def _intensity(scan: Floats, other: Floats, random: np.random.Generator) -> Floats:
    return np.clip(random.uniform(*GAIN) * scan ** random.uniform(*GAMMA), 0, 1).astype(np.float32)


def _warped(scan: Floats, other: Floats, random: np.random.Generator) -> Floats:
    field = exponential(random_field(random, WORK, sigma=WARP_SMOOTH_MM, amplitude=WARP_MM), WORK)
    return sample(scan[None], WORK, WORK.world() + field)[0]


PLANTS: dict[str, Plant] = {
    "exact": lambda scan, other, random: scan,
    "noised": _noised,
    "shifted": _shifted,
    "intensity": _intensity,
    "warped": _warped,
    "flipped": lambda scan, other, random: scan[::-1],
    "blended": lambda scan, other, random: (0.5 * scan + 0.5 * other).astype(np.float32),
}
"""Each makes of a scan (X, Y, Z) on the 3 mm grid (and another one, for blends) the copy a model might give."""
