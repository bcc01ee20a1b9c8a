"""Are synthetic scans nearer to training scans than to as many that no model saw?

A generator that learnt the population and not its scans is as near to the one as to the other: a share of 0.5. Which
scans happened to be held out moves the share of *one* evaluation far more than which scans were drawn: smooth heads all
have the same few neighbours. So two things are done. What draws all synthetic scans to a real one is taken off its
distances, and the interval is that of a permutation test, which draws anew who was held out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from scipy.special import gammaln

from tlesynth.metrics.statistics import LEAST_SET, Interval, Json, Resampling, rounded, too_few
from tlesynth.privacy.likeness import unit

Floats = NDArray[np.floating]
Flags = NDArray[np.bool_]
CHANCE = 0.5
CAVEAT = (
    "the interval holds who happened to be held out; it supposes that training and held-out scans were split at random"
)


def correlation_distances(a: Floats, b: Floats) -> Floats:
    """1 - cosine of each of ``a`` (N, D) with each of ``b`` (M, D): (N, M); 1 - correlation where means are 0."""
    return 1 - unit(a) @ unit(b).T


def euclidean_distances(a: Floats, b: Floats) -> Floats:
    """The distance of each of ``a`` (N, D) to each of ``b`` (M, D): (N, M)."""
    return cdist(a, b)


def nearness(to_training: Floats, to_held_out: Floats, subsets: int, how: Resampling) -> Json:
    """Distances (S, N) and (S, M) of synthetic scans to training and to held-out ones, compared at equal numbers.

    ``share`` whose nearest of n = min(N, M) training scans is nearer than their nearest of n held-out ones, by
    distances freed of each real scan's median to all synthetic ones; ties fall at random. Its interval reaches as far
    as the shares of permuted labels (training, held out) lie from 0.5, so that its low end is above 0.5 just where the
    permutation test says so; ``p`` is that test, one-sided. Beside it, of distances as they are: the nearest ones'
    ratio d_train / d_held_out (``nndr``: about 1; copies far below), mean over ``subsets`` draws of n, and d_1 / d_2,
    the nearest over the second of these training scans (a copy of one: far below 1).
    """
    n = min(to_training.shape[1], to_held_out.shape[1])
    if min(n, len(to_training)) < LEAST_SET:
        return too_few(min(n, len(to_training)), LEAST_SET)
    ratios = np.zeros(len(to_training))
    for _ in range(subsets):
        trained, unseen = (_nearest_of_some(d, n, how.generator) for d in (to_training, to_held_out))
        ratios += trained / np.maximum(unseen, 1e-9) / subsets
    first, second = np.sort(to_training, axis=1)[:, :2].T
    return {
        **_share(to_training, to_held_out, how),
        "nndr": _quantiles(ratios),
        "d1_over_d2": _quantiles(first / np.maximum(second, 1e-9)),
        "compared_with": n,
        "caveat": CAVEAT,
    }


def nearer_to_first(order: NDArray[np.int64], first: Flags) -> float:
    """The share of S scans that lie nearer to n of the ``first`` than to n others, the mean over all draws of n.

    ``order`` (S, N + M) are the real scans from the nearest to the farthest, ``first`` (N + M,) says which set each is
    in; n is the size of the smaller set, which is drawn whole. Of the larger, k scans lie before the smaller's nearest;
    none of them is drawn with probability C(N - k, n) / C(N, n).
    """
    larger = first if 2 * first.sum() >= len(first) else ~first
    before = np.argmin(larger[order], axis=1)
    drawn = 1 - _none_of(int(larger.sum()), int((~larger).sum()))[before].mean()
    return float(drawn if larger is first else 1 - drawn)


def _share(to_training: Floats, to_held_out: Floats, how: Resampling) -> Json:
    distances = np.concatenate([to_training, to_held_out], axis=1)
    trained = np.arange(distances.shape[1]) < to_training.shape[1]
    shuffled = how.generator.permutation(len(trained))  # so that equal distances fall at random
    distances, trained = (distances - np.median(distances, axis=0))[:, shuffled], trained[shuffled]
    order = np.argsort(distances, axis=1, kind="stable")
    value = nearer_to_first(order, trained)
    permuted = np.array([nearer_to_first(order, how.generator.permutation(trained)) for _ in range(how.resamples)])
    low, high = how.limits(permuted)
    interval = Interval(value, max(0.0, value - (high - CHANCE)), min(1.0, value + (CHANCE - low)), len(order))
    return {"share": interval.as_json(), "p": rounded((1 + (permuted >= value).sum()) / (1 + how.resamples))}


def _none_of(larger: int, drawn: int) -> Floats:
    """The chance that ``drawn`` of ``larger`` scans hold none of k given ones, for k = 0 to ``larger``."""
    left = larger - np.arange(larger + 1)
    ways = gammaln(left + 1) - gammaln(np.maximum(left - drawn, 0) + 1)
    return np.where(left >= drawn, np.exp(ways - ways[0]), 0.0)


def _nearest_of_some(distances: Floats, n: int, random: np.random.Generator) -> Floats:
    chosen = random.choice(distances.shape[1], n, replace=False)
    return distances[:, chosen].min(axis=1)


def _quantiles(values: Floats) -> Json:
    median, low = np.quantile(values, [0.5, 0.05])
    return {"median": rounded(float(median)), "p05": rounded(float(low)), "scans": len(values)}
