"""What spoils a scan, measured: noise, blur, shading, ghosts of motion, and a field of view that cuts the brain."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from tlesynth.data.resampling import FWHM
from tlesynth.volume import Volume

MAD = 1.4826
"""Standard deviation of a Gaussian over its median absolute deviation."""
COARSE_MM, SHADING_MM = 4.0, 15.0
"""Voxels on which slow things are looked for; Gaussian sigma above which a variation is shading."""
GHOST_MM, AWAY_MM = 24.0, 10.0
"""The least shift of a ghost, and the distance from the head where air begins."""
LEAST_SAMPLES = 300
LEAST_SHARE = 0.03
"""Share of the looked-at voxels that a ghost must cover to be told from chance."""
LAYER_MM = 4.0
SAME_TISSUE = 0.15
"""Distance from a tissue's brightness, as a share of it, within which a block of voxels is taken for that tissue."""


def noise_sd(voxels: np.ndarray, mask: np.ndarray, level: float) -> float:
    """Standard deviation of the noise in the tissue of brightness ``level`` inside ``mask`` (X, Y, Z) bool.

    From Haar's finest diagonal detail over blocks of two voxels a side (Donoho and Johnstone 1994): a third
    difference, which anatomy hardly reaches where the block's mean is that of one tissue.
    """
    detail, mean, inside = voxels.astype(np.float32), voxels.astype(np.float32), mask
    for axis in range(3):
        pairs = [slice(None)] * 3
        halves = []
        for start in (0, 1):
            pairs[axis] = slice(start, voxels.shape[axis] // 2 * 2, 2)
            halves.append(tuple(pairs))
        first, second = halves
        detail = (detail[first] - detail[second]) / np.float32(np.sqrt(2))
        mean, inside = (mean[first] + mean[second]) / 2, inside[first] & inside[second]
    values = detail[inside & (np.abs(mean - level) < SAME_TISSUE * level)]
    return float(MAD * np.median(np.abs(values))) if values.size else 0.0


def flattened(voxels: np.ndarray, mask: np.ndarray, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """The slow part of ``voxels`` inside ``mask``, (X, Y, Z) each, and what is left; ``sigma`` in voxels."""
    weight = ndimage.gaussian_filter(mask.astype(np.float32), sigma, truncate=3)
    slow = ndimage.gaussian_filter(np.where(mask, voxels, 0).astype(np.float32), sigma, truncate=3)
    slow = np.where(mask, slow / np.maximum(weight, 1e-6), 0)
    return slow, np.where(mask, voxels - slow, 0)


def fwhm_mm(residual: np.ndarray, mask: np.ndarray, spacing: float) -> float:
    """Smoothness of a noise-like ``residual`` inside ``mask`` (X, Y, Z) in mm, the geometric mean of the axes.

    From neighbours' correlation r: sigma^2 = -1 / (4 ln r) voxels (Forman et al. 1995). White noise gives 0.
    """
    widths = []
    for axis in range(3):
        here = (slice(None),) * axis
        pairs = mask[(*here, slice(1, None))] & mask[(*here, slice(None, -1))]
        first, second = residual[(*here, slice(1, None))][pairs], residual[(*here, slice(None, -1))][pairs]
        spread = float((first**2).mean() + (second**2).mean()) / 2 if pairs.sum() >= LEAST_SAMPLES else 0.0
        r = float((first * second).mean()) / spread if spread > 0 else 0.0
        widths.append(FWHM * spacing * np.sqrt(-1 / (4 * np.log(r))) if 1e-6 < r < 1 else 0.0)
    return float(np.prod(widths) ** (1 / 3))


def shading(voxels: np.ndarray, white: np.ndarray, spacing: float) -> float:
    """Coefficient of variation of the slow part of ``voxels`` in the ``white`` matter, (X, Y, Z) each."""
    step = max(1, round(COARSE_MM / spacing))
    share = block_means(white.astype(np.float32), (step,) * 3)
    coarse = block_means(np.where(white, voxels, 0), (step,) * 3) / np.maximum(share, 1e-6)
    known = share > 0.5
    slow, _ = flattened(coarse, known, SHADING_MM / (step * spacing))
    return variation(slow[known])


def variation(values: np.ndarray) -> float:
    """Coefficient of variation (standard deviation over mean) of ``values`` (N,)."""
    return float(values.std() / values.mean()) if values.size and values.mean() > 0 else 0.0


def cut_cm2(seen: np.ndarray, spacing: float, to_native: np.ndarray, axes: np.ndarray) -> float:
    """Area in cm2 of the brain's flattest end along the scan's ``axes`` (3, 3), one unit vector in each column.

    ``seen`` (X, Y, Z) bool is the brain on the grid and ``to_native`` (4, 4) takes the grid's mm to the scan's. The
    outermost layer of a rounded end has a third of the next layer's volume, that of a cut end as much: 0 for a ball,
    the area of the cut for a part of one.
    """
    points = np.argwhere(seen).astype(np.float32) * spacing
    if len(points) < LEAST_SAMPLES:
        return 0.0
    along = points @ (to_native[:3, :3].T @ axes).astype(np.float32)
    voxel = spacing**3 * abs(np.linalg.det(to_native[:3, :3]))
    thick = max(LAYER_MM, 2 * spacing)
    flattest = 0.0
    for depth in (*(along - along.min(0)).T, *(along.max(0) - along).T):
        first, second = (depth < thick).sum(), ((depth >= thick) & (depth < 2 * thick)).sum()
        flattest = max(flattest, (3 * first - second) / 2 * voxel / thick / 100)
    return float(flattest)


def ghost_in_air(scan: Volume) -> float:
    """The largest share of the head's signal that appears again, shifted along one of the scan's axes, in the air.

    0 where there is no air: the background of a brain-extracted scan is exactly zero.
    """
    steps = tuple(max(1, round(COARSE_MM / s)) for s in scan.spacing)
    coarse = block_means(scan.voxels, steps)
    sizes = scan.spacing * steps
    bright = coarse > np.percentile(coarse, 99) * 0.25
    labels, n = ndimage.label(bright)
    if not n:
        return 0.0
    head = labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
    air = ndimage.distance_transform_edt(~ndimage.binary_fill_holes(head), sampling=sizes) > AWAY_MM
    return reappearing(np.where(head, coarse, 0), coarse, air, sizes, wraps=True)


def ghost_in_white_matter(residual: np.ndarray, voxels: np.ndarray, white: np.ndarray, spacing: float) -> float:
    """The same on the grid, (X, Y, Z) each: what repeats the brain, shifted, in the flattened white matter."""
    step = max(1, round(COARSE_MM / spacing))
    steps = (step,) * 3
    share = block_means(white.astype(np.float32), steps)
    level = float(np.median(voxels[white])) if white.any() else 0.0
    where = share > 0.7
    if level <= 0 or where.sum() < LEAST_SAMPLES:
        return 0.0
    left = block_means(np.where(white, residual, 0), steps) / np.maximum(share, 1e-6)
    return reappearing(block_means(voxels, steps), left, where, np.full(3, step * spacing), wraps=False)


def reappearing(image: np.ndarray, seen: np.ndarray, where: np.ndarray, sizes: np.ndarray, *, wraps: bool) -> float:
    """The steepest regression slope (up or down) of ``seen`` on shifted copies of ``image``, over ``where``; (X, Y, Z).

    Shifts run along each axis from ``GHOST_MM`` on (voxels of ``sizes`` mm); with ``wraps`` what leaves the picture
    comes in at the other side, as in a scanner's field of view.
    """
    n = int(where.sum())
    if n < LEAST_SAMPLES or not image.any():
        return 0.0
    centred = np.where(where, seen - seen[where].mean(), 0)
    spread = float((centred**2).sum()) / n
    steepest = 0.0
    for axis in range(3):
        length = image.shape[axis] * (1 if wraps else 2)
        here, there, second, covered = (
            _sums(a, b, axis, length)
            for a, b in ((image, centred), (image, where), (image**2, where), (image > 0, where))
        )
        least = int(np.ceil(GHOST_MM / sizes[axis]))
        shifts = np.arange(least, length - least + 1)
        variance = second[shifts] / n - (there[shifts] / n) ** 2
        together = here[shifts] / n
        known = (covered[shifts] > max(LEAST_SHARE * n, 60)) & (variance > 1e-12)
        if known.any() and spread > 0:
            slope = np.abs(together[known]) / variance[known]
            steepest = max(steepest, float(slope.max()))
    return steepest


def block_means(voxels: np.ndarray, steps: tuple[int, ...]) -> np.ndarray:
    """Means over blocks of ``steps`` voxels (X, Y, Z); what does not fill a block is left out."""
    x, y, z = (n // s for n, s in zip(voxels.shape, steps, strict=True))
    part = voxels[: x * steps[0], : y * steps[1], : z * steps[2]]
    return part.reshape(x, steps[0], y, steps[1], z, steps[2]).mean((1, 3, 5), dtype=np.float32)


def _sums(image: np.ndarray, weights: np.ndarray, axis: int, length: int) -> np.ndarray:
    """For every shift, the sum of ``weights`` times ``image`` shifted along ``axis`` (circular in ``length``)."""
    moved = np.fft.rfft(image.astype(np.float32), length, axis=axis)
    fixed = np.fft.rfft(weights.astype(np.float32), length, axis=axis)
    product = (np.conj(moved) * fixed).sum(tuple({0, 1, 2} - {axis}))
    return np.fft.irfft(product, length)
