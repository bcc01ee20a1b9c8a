"""Structural similarity of volumes, single and multi-scale, as products with banded matrices.

A Gaussian window is separable, and along one axis it is a banded matrix: three matrix products do what a 3D convolution
does, many times faster on a processor. What depends on one volume alone is computed once per volume, not once per pair.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

C1, C2 = 0.01**2, 0.03**2
"""Stabilising constants for a data range of 1 (Wang et al. 2004)."""

SSIM_TAPS, MS_SSIM_TAPS, SIGMA = 11, 7, 1.5
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Weights of the five scales (Wang, Simoncelli and Bovik 2003); fewer scales are renormalised to 1."""


@dataclass(frozen=True)
class Scale:
    """A volume (X, Y, Z) at one scale with its local mean and variance (each X - 6, Y - 6, Z - 6)."""

    voxels: NDArray[np.float32]
    mean: NDArray[np.float32]
    variance: NDArray[np.float32]


def ssim(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Mean structural similarity of two volumes (X, Y, Z) on [0, 1]: 11-tap Gaussian window, sigma 1.5 voxels.

    Source: Wang et al., IEEE TIP 2004, equation 13, over the places where the window fits.
    """
    one, other = (_scale(np.asarray(v, dtype=np.float32), SSIM_TAPS) for v in (a, b))
    luminance, contrast = _terms(one, other, SSIM_TAPS)
    return float((luminance * contrast).mean(dtype=np.float64))


def scales_that_fit(shape: tuple[int, ...]) -> int:
    """How many of the five scales leave room for the 7-tap window on a box of ``shape`` voxels."""
    side, scales = min(shape), 0
    while scales < len(SCALE_WEIGHTS) and side >> scales >= MS_SSIM_TAPS:
        scales += 1
    return scales


def pyramid(volume: NDArray[np.floating], scales: int) -> list[Scale]:
    """A volume (X, Y, Z) on [0, 1] at ``scales`` scales, each half the size of the one before."""
    voxels, levels = np.asarray(volume, dtype=np.float32), []
    for _ in range(scales):
        levels.append(_scale(voxels, MS_SSIM_TAPS))
        voxels = _halve(voxels)
    return levels


def inside(mask: NDArray[np.bool_], scales: int) -> list[NDArray[np.float32]]:
    """How much of each window lies in ``mask`` (X, Y, Z), at each scale: the weights of ``ms_ssim``, sum 1."""
    shares = [scale.mean for scale in pyramid(mask.astype(np.float32), scales)]
    return [share / share.sum(dtype=np.float64) for share in shares]


def ms_ssim(a: list[Scale], b: list[Scale], weights: list[NDArray[np.float32]] | None = None) -> float:
    """Multi-scale structural similarity of two pyramids: 1 for equal volumes. ``weights``: of the places at each scale.

    Source: Wang, Simoncelli and Bovik 2003, equation 7. Kernel 7; negative terms count as 0 (the usual ReLU).
    """
    powers = np.array(SCALE_WEIGHTS[: len(a)]) / sum(SCALE_WEIGHTS[: len(a)])
    value = 1.0
    for level, (one, other) in enumerate(zip(a, b, strict=True)):
        luminance, contrast = _terms(one, other, MS_SSIM_TAPS)
        term = luminance * contrast if level == len(a) - 1 else contrast
        mean = float(np.vdot(term, weights[level]) if weights else term.mean(dtype=np.float64))
        value *= max(mean, 0.0) ** powers[level]
    return value


def _scale(voxels: NDArray[np.float32], taps: int) -> Scale:
    mean = window_mean(voxels, taps)
    return Scale(voxels, mean, window_mean(voxels * voxels, taps) - mean * mean)


def _terms(a: Scale, b: Scale, taps: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Luminance and contrast-structure, each (X - taps + 1, ...)."""
    product = a.mean * b.mean
    covariance = window_mean(a.voxels * b.voxels, taps) - product
    luminance = (2 * product + C1) / (a.mean * a.mean + b.mean * b.mean + C1)
    return luminance, (2 * covariance + C2) / (a.variance + b.variance + C2)


def window_mean(voxels: NDArray[np.float32], taps: int) -> NDArray[np.float32]:
    """Gaussian-weighted mean of (X, Y, Z) wherever a window of ``taps`` voxels a side fits."""
    x, y, z = (_band(n, taps) for n in voxels.shape)
    first = (x @ voxels.reshape(voxels.shape[0], -1)).reshape(len(x), *voxels.shape[1:])
    return (y @ first) @ z.T


@lru_cache(maxsize=64)
def _band(n: int, taps: int) -> NDArray[np.float32]:
    """The window along an axis of ``n`` voxels as a matrix (n - taps + 1, n)."""
    at = np.arange(taps) - (taps - 1) / 2
    weights = np.exp(-0.5 * (at / SIGMA) ** 2)
    rows = np.arange(n - taps + 1)
    band = np.zeros((len(rows), n), np.float32)
    for tap, weight in enumerate(weights / weights.sum()):
        band[rows, rows + tap] = weight
    return band


def _halve(voxels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean over blocks of two voxels a side; a last odd plane is dropped."""
    x, y, z = (n // 2 for n in voxels.shape)
    return voxels[: 2 * x, : 2 * y, : 2 * z].reshape(x, 2, y, 2, z, 2).mean(axis=(1, 3, 5), dtype=np.float32)
