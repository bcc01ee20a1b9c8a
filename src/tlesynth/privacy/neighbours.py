"""Are synthetic scans nearer to training scans than to as many that no model saw?

A generator that learnt the population and not its scans is as near to the one as to the other: a share of 0.5.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from tlesynth.metrics.statistics import FEWEST, Json, Resampling, mean_interval, rounded, too_few
from tlesynth.privacy.likeness import unit

Floats = NDArray[np.floating]
CAVEAT = "the interval is over synthetic scans; with few held-out scans the share also depends on who they are"


def correlation_distances(a: Floats, b: Floats) -> Floats:
    """1 - cosine of each of ``a`` (N, D) with each of ``b`` (M, D): (N, M); 1 - correlation where means are 0."""
    return 1 - unit(a) @ unit(b).T


def euclidean_distances(a: Floats, b: Floats) -> Floats:
    """The distance of each of ``a`` (N, D) to each of ``b`` (M, D): (N, M)."""
    return cdist(a, b)


def nearness(to_training: Floats, to_held_out: Floats, subsets: int, how: Resampling) -> Json:
    """Distances (S, N) and (S, M) of synthetic scans to training and to held-out ones, compared at equal numbers.

    ``share`` nearer to training (ties half), averaged over ``subsets`` draws of min(N, M) scans of each; the nearest
    distances' ratio d_train / d_held_out (``nndr``: about 1; copies far below); and in the whole training set
    d_1 / d_2, the nearest over the second (a copy of one scan: far below 1).
    """
    n = min(to_training.shape[1], to_held_out.shape[1])
    if min(n, len(to_training)) < FEWEST:
        return too_few(min(n, len(to_training)))
    wins, ratios = np.zeros(len(to_training)), np.zeros(len(to_training))
    for _ in range(subsets):
        trained, unseen = (_nearest_of_some(d, n, how.generator) for d in (to_training, to_held_out))
        wins += ((trained < unseen) + 0.5 * (trained == unseen)) / subsets
        ratios += trained / np.maximum(unseen, 1e-9) / subsets
    first, second = np.sort(to_training, axis=1)[:, :2].T
    return {
        "share": mean_interval(wins, how),
        "nndr": _quantiles(ratios),
        "d1_over_d2": _quantiles(first / np.maximum(second, 1e-9)),
        "compared_with": n,
        "caveat": CAVEAT,
    }


def _nearest_of_some(distances: Floats, n: int, random: np.random.Generator) -> Floats:
    chosen = random.choice(distances.shape[1], n, replace=False)
    return distances[:, chosen].min(axis=1)


def _quantiles(values: Floats) -> Json:
    median, low = np.quantile(values, [0.5, 0.05])
    return {"median": rounded(float(median)), "p05": rounded(float(low)), "scans": len(values)}
