"""A radiomic description of a head: 42 figures of the brain's intensities, texture at three scales, and regions.

It needs no pretrained network, so a distance between cohorts can always be computed. Every figure is in the volume's
own [0, 1] units or without unit. Scales are in millimetres, so that a head has nearly the same figures on either grid.
Source of the idea: the Frechet radiomic distance (Konz et al. 2024); the set is ours and listed in ``NAMES``.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tlesynth.data.anatomy import SIDES, hippocampus_radius
from tlesynth.data.template import load_template
from tlesynth.volume import Grid

FEATURES = "radiomic-42"
SCALES_MM = (2.0, 4.0, 8.0)
BINS = 64
HALVES = ("left", "right"), ("posterior", "anterior"), ("inferior", "superior")
ORIGIN_MM = (0.0, -18.0, 8.0)
"""Where the octants meet: the midline, between the commissures and the splenium, the thalamus's height."""

MARGIN_MM = 6.0
"""Room around the template's brain for heads that the affine left larger."""

MESIAL_REACH = 1.6
"""The mesial temporal region is the hippocampal tube blown up by this factor."""

NAMES = (
    *("volume_l", "mean", "sd", "skewness", "kurtosis", "p05", "p25", "p50", "p75", "p95", "entropy"),
    *(
        f"{name}_{scale:g}mm"
        for scale in SCALES_MM
        for name in ("detail_sd", "detail_kurtosis", "edge_mean", "edge_sd")
    ),
    *(f"step_{axis}" for axis in "xyz"),
    "asymmetry",
    *(f"mean_{a}_{b}_{c}" for a in HALVES[0] for b in HALVES[1] for c in HALVES[2]),
    *(f"mesial_{side}_{name}" for side in SIDES for name in ("mean", "sd", "dark")),
    "mesial_asymmetry",
)


def radiomic_features(volume: NDArray[np.floating], grid: Grid) -> NDArray[np.float64]:
    """The figures of ``NAMES``, (42,), of one volume (X, Y, Z) on [0, 1] with background 0; zeros for an empty one.

    ``detail`` is the volume minus its Gaussian blur, ``edge`` the blurred gradient's length per mm, ``step`` the mean
    square difference of neighbours over twice the variance, ``asymmetry`` the mean difference to the mirror image.
    """
    box = _box(grid)
    voxels = np.asarray(volume[box.slices], dtype=np.float32)
    brain = voxels > 0
    if not brain.any():
        return np.zeros(len(NAMES))
    inside = voxels[brain]
    figures = [*_first_order(inside, grid.spacing), *_texture(voxels, brain, grid.spacing)]
    figures += [
        *_steps(voxels, brain, inside.var()),
        _mirror_difference(voxels, brain),
        *_regions(voxels, brain, box),
    ]
    return np.nan_to_num(np.array(figures, dtype=np.float64))


def standardised(features: NDArray[np.float64], training: NDArray[np.float64]) -> NDArray[np.float64]:
    """Features (N, F) in standard deviations of the real training set (M, F), clipped at +-10."""
    spread = training.std(axis=0)
    return np.clip((features - training.mean(axis=0)) / np.where(spread > 1e-9, spread, 1.0), -10, 10)


def _first_order(inside: NDArray[np.float32], spacing: float) -> list[float]:
    histogram = np.histogram(inside, BINS, (0, 1))[0] / inside.size
    entropy = -(histogram[histogram > 0] * np.log2(histogram[histogram > 0])).sum()
    shape = (stats.skew(inside), stats.kurtosis(inside)) if inside.std() > 1e-6 else (0.0, 0.0)
    quantiles = np.quantile(inside, [0.05, 0.25, 0.5, 0.75, 0.95])
    return [inside.size * spacing**3 / 1e6, inside.mean(), inside.std(), *shape, *quantiles, entropy]


def _texture(voxels: NDArray[np.float32], brain: NDArray[np.bool_], spacing: float) -> list[float]:
    figures: list[float] = []
    for scale in SCALES_MM:
        blurred = _blur(voxels, scale / spacing)
        detail = (voxels - blurred)[brain]
        slopes = np.gradient(blurred, spacing)
        edge = np.sqrt(sum(s[brain] ** 2 for s in slopes))
        spread = float(detail.std())
        square = (detail - detail.mean()) ** 2
        peaked = float((square * square).mean() / spread**4 - 3) if spread > 1e-6 else 0.0
        figures += [spread, peaked, float(edge.mean()), float(edge.std())]
    return figures


def _steps(voxels: NDArray[np.float32], brain: NDArray[np.bool_], variance: float) -> list[float]:
    figures = []
    for axis in range(3):
        both = np.diff(brain.astype(np.int8), axis=axis) == 0
        near, far = (np.take(voxels, range(k, voxels.shape[axis] - 1 + k), axis) for k in (0, 1))
        kept = both & (near > 0)
        figures.append(float(((far - near)[kept] ** 2).mean() / max(2 * variance, 1e-9)) if kept.any() else 0.0)
    return figures


def _mirror_difference(voxels: NDArray[np.float32], brain: NDArray[np.bool_]) -> float:
    return float(np.abs(voxels - voxels[::-1])[brain].mean())


def _regions(voxels: NDArray[np.float32], brain: NDArray[np.bool_], box: _Box) -> list[float]:
    counts = np.maximum(np.bincount(box.octants.ravel(), brain.ravel(), 8), 1)
    figures = list(np.bincount(box.octants.ravel(), (voxels * brain).ravel(), 8) / counts)
    middle = float(np.median(voxels[brain]))
    means = []
    for region in box.mesial:
        values = voxels[region]
        means.append(float(values.mean()))
        figures += [means[-1], float(values.std()), float((values < 0.6 * middle).mean())]
    return [*figures, means[1] - means[0]]


class _Box:
    """Where on a grid a brain can be, and its regions there."""

    def __init__(self, grid: Grid) -> None:
        brain = np.argwhere(load_template(grid).mask > 0)
        margin = round(MARGIN_MM / grid.spacing)
        low = np.maximum(brain.min(axis=0) - margin, 0)
        high = np.minimum(brain.max(axis=0) + 1 + margin, grid.shape)
        self.slices = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
        world = grid.world()[(slice(None), *self.slices)]
        above = [(world[a] > ORIGIN_MM[a]).astype(np.int64) for a in range(3)]
        self.octants = 4 * above[0] + 2 * above[1] + above[2]
        self.mesial = [hippocampus_radius(world, side) <= MESIAL_REACH for side in SIDES]


def brain_box(grid: Grid) -> tuple[slice, ...]:
    """The box of ``grid`` that holds every brain, as three slices."""
    return _box(grid).slices


@lru_cache(maxsize=4)
def _box(grid: Grid) -> _Box:
    return _Box(grid)


def _blur(voxels: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Gaussian blur of (X, Y, Z) with ``sigma`` voxels, zero outside, as three products with dense matrices."""
    x, y, z = (_gaussian_matrix(n, sigma) for n in voxels.shape)
    first = (x @ voxels.reshape(voxels.shape[0], -1)).reshape(voxels.shape)
    return (y @ first) @ z.T


@lru_cache(maxsize=64)
def _gaussian_matrix(n: int, sigma: float) -> NDArray[np.float32]:
    distance = np.arange(n)[:, None] - np.arange(n)[None]
    weights = np.exp(-0.5 * (distance / sigma) ** 2)
    return (weights / weights.sum(axis=1).max()).astype(np.float32)
