"""Precision, recall, density and coverage: does each synthetic subject lie among the real ones, and each real one among
the synthetic?

The region of a set is the union of balls around its members that reach to their k-th neighbour. Equal sets do not reach
1, so each figure stands beside that of real against real.

Source: Kynkaanniemi et al. 2019 (precision, recall); Naeem et al. 2020, arXiv 2002.09797 (density, coverage).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import isqrt

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from tlesynth.metrics.statistics import (
    LEAST_SET,
    Json,
    Resampling,
    mean_interval,
    not_computed,
    proportion,
    rounded,
    too_few,
)

Floats = NDArray[np.floating]
Flags = NDArray[np.bool_]
NEIGHBOURS = 5


@dataclass(frozen=True)
class Overlap:
    """What is known of each subject; the means are the four figures."""

    precision: Flags
    """Whether a synthetic subject (N,) lies in the real region."""
    recall: Flags
    """Whether a real subject (M,) lies in the synthetic region."""
    density: Floats
    """In how many real balls a synthetic subject (N,) lies, over k."""
    coverage: Flags
    """Whether a real subject's ball (M,) holds a synthetic one."""


def neighbours(n: int) -> int:
    """k for sets of which the smaller has ``n`` subjects: 5, or the root of n where that is less."""
    return min(NEIGHBOURS, isqrt(n))


def overlap(synthetic: Floats, real: Floats, k: int) -> Overlap:
    """Compare subjects (N, F) with real ones (M, F)."""
    across = cdist(real, synthetic)  # (M, N)
    real_reach, synthetic_reach = _reach(real, k)[:, None], _reach(synthetic, k)[None]
    inside = across < real_reach
    return Overlap(
        precision=_any(inside, 0),
        recall=_any(across < synthetic_reach, 1),
        density=inside.sum(axis=0) / k,
        coverage=_any(inside, 1),
    )


def overlap_against_real(synthetic: Floats, training: Floats, reference: Floats, how: Resampling) -> Json:
    """The four figures of the synthetic subjects, of as many training subjects (``real``), and their ratio, as JSON.

    Shares have exact intervals, density a bootstrap over subjects; both take the two regions as given.
    """
    n = min(len(synthetic), len(training))
    if min(n, len(reference)) < LEAST_SET:
        return too_few(min(n, len(reference)), LEAST_SET)
    k = neighbours(min(n, len(reference)))
    synthetic, training = (s[np.sort(how.generator.permutation(len(s))[:n])] for s in (synthetic, training))
    made, kept = (asdict(overlap(s, reference, k)) for s in (synthetic, training))
    found: Json = {}
    for name in made:
        value, real = (_figure(scores[name], how) for scores in (made, kept))
        known = real["value"] > 0
        ratio = rounded(value["value"] / real["value"]) if known else not_computed("real against real is 0")
        found[name] = {"value": value, "real": real, "ratio": ratio}
    return found | {"k": k, "n_real": len(reference), "n_synthetic": n}


def _any(flags: Flags, axis: int) -> Flags:
    return np.asarray(flags.any(axis=axis))


def _reach(subjects: Floats, k: int) -> Floats:
    """Distance of each subject (N, F) to its k-th neighbour: (N,)."""
    return np.sort(cdist(subjects, subjects), axis=1)[:, k]


def _figure(scores: Flags | Floats, how: Resampling) -> Json:
    if scores.dtype == bool:
        return proportion(int(scores.sum()), len(scores), how.confidence)
    return mean_interval(scores.astype(np.float64), how)
