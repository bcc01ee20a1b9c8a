"""Are the synthetic heads of a class as different from each other as the real ones? MS-SSIM of pairs within a class."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tlesynth.metrics.similarity import MS_SSIM_TAPS, ms_ssim, pyramid, scales_that_fit
from tlesynth.metrics.statistics import FEWEST, Interval, Json, Resampling, too_few

METRIC = f"MS-SSIM (kernel {MS_SSIM_TAPS})"
MOST_SUBJECTS = 64
"""Subjects whose scales are held in memory; they give 2016 pairs."""


def choose(ids: list[str], generator: np.random.Generator) -> list[str]:
    """The subjects whose pairs are compared: all, or a random ``MOST_SUBJECTS`` of them."""
    if len(ids) <= MOST_SUBJECTS:
        return list(ids)
    return [ids[i] for i in sorted(generator.choice(len(ids), MOST_SUBJECTS, replace=False))]


def pairwise_similarity(volumes: Iterator[NDArray[np.floating]], n: int, pairs: int, how: Resampling) -> Json:
    """Mean MS-SSIM over random pairs of ``n`` volumes (X, Y, Z) cropped to the brain's box, as JSON with "pairs".

    The interval resamples subjects, not pairs: pairs that share a head are not independent. 1 is a collapsed set.
    """
    if n < FEWEST:
        return too_few(n)
    scales: list[list] = []
    for volume in volumes:
        scales.append(pyramid(volume, scales_that_fit(volume.shape)))
    first, second = np.triu_indices(n, 1)
    kept = np.sort(how.generator.permutation(len(first))[:pairs])
    first, second = first[kept], second[kept]
    values = np.array([ms_ssim(scales[i], scales[j]) for i, j in zip(first, second, strict=True)])
    rows = how.subjects(n)
    counts = np.stack([np.bincount(row, minlength=n) for row in rows])  # (B, n)
    weights = counts[:, first] * counts[:, second]
    with np.errstate(invalid="ignore"):
        low, high = how.limits((weights * values).sum(axis=1) / weights.sum(axis=1))
    value = float(values.mean())
    return Interval(value, min(low, value), max(high, value), n).as_json() | {"pairs": len(values)}
