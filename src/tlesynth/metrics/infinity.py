"""A Frechet distance as it would be with infinitely many subjects.

Its bias falls as 1/N: distances between ever smaller parts of both sets lie on a line in 1/N, and the line's start is
the distance without bias. Chong and Forsyth (CVPR 2020, arXiv 1911.07023) thin one set against a large fixed one; scans
are few on both sides, so both are thinned alike.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tlesynth.metrics.statistics import Interval, Json, Resampling, not_computed

Rows = NDArray[np.int64]
SIZES, SMALLEST_SHARE = 15, 0.4
FEWEST_TO_THIN = 10


def at_infinity(distance: Callable[[Rows, Rows], float], sizes: tuple[int, int], error: float, how: Resampling) -> Json:
    """The start of the line through ``distance(rows, other_rows)`` of 15 thinned pairs of sets, as JSON.

    ``sizes`` are the subjects of both sets; ``error`` is the standard error over subjects of the whole sets' distance,
    to which the line's own is added.
    """
    if min(sizes) < FEWEST_TO_THIN:
        return not_computed(f"{min(sizes)} subjects; at least {FEWEST_TO_THIN} are needed to extrapolate")
    inverse, values = [], []
    for share in np.linspace(SMALLEST_SHARE, 1, SIZES):
        counts = [max(2, round(share * n)) for n in sizes]
        rows = [how.generator.permutation(n)[:count] for n, count in zip(sizes, counts, strict=True)]
        inverse.append(sum(1 / count for count in counts) / sum(1 / n for n in sizes))
        values.append(distance(rows[0], rows[1]))
    line, covariance = np.polyfit(inverse, values, 1, cov="unscaled")
    residual, start = np.polyval(line, inverse) - values, float(line[1])
    fitted = covariance[1, 1] * float((residual**2).sum()) / (SIZES - 2)
    half = how.z * float(np.sqrt(fitted + error**2))
    return Interval(start, start - half, start + half, sum(sizes)).as_json()
