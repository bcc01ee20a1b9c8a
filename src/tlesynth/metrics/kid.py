"""The kernel distance (KID) between two sets of subjects: squared MMD with a polynomial kernel, without bias.

Unlike the Frechet distance it does not grow as sets shrink: two sets of one kind lie at 0 on average, so that it may
come out below 0. It is meant for few subjects.

Source: Binkowski, Sutherland, Arbel and Gretton, ICLR 2018 (arXiv 1801.01401), section 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tlesynth.metrics.statistics import LEAST_SET, Interval, Json, Resampling, not_computed, rounded, too_few

Floats = NDArray[np.floating]
SUBSETS, LARGEST_SUBSET = 100, 1000
"""The published convention: mean over 100 subsets of at most 1000, each half of the smaller set here."""


@dataclass(frozen=True)
class Kernels:
    """Mean kernel between subjects of a set (N, N), of the other (M, M), and across (N, M)."""

    first: Floats
    second: Floats
    across: Floats

    def of(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Kernels:
        """Those of some subjects of the first set (``rows``) and of the second (``columns``)."""
        first, second = self.first[np.ix_(rows, rows)], self.second[np.ix_(columns, columns)]
        return Kernels(first, second, self.across[np.ix_(rows, columns)])


def kernels(a: Floats, b: Floats) -> Kernels:
    """Kernels of two sets (N, F) and (M, F), or with several slices a subject (N, S, F) and (M, T, F).

    (x.y / F + 1)^3, averaged over the slices of two subjects: slices of one head are never counted as two.
    """
    return Kernels(_kernel(a, a), _kernel(b, b), _kernel(a, b))


def squared_mmd(k: Kernels) -> float:
    """The unbiased estimate: mean off-diagonal kernel within each set minus twice the mean across."""
    return _within(k.first) + _within(k.second) - 2 * float(k.across.mean())


def kid(a: Floats, b: Floats, how: Resampling) -> Json:
    """KID of two sets as JSON: plus and minus z jackknife errors over subjects, and the published mean over subsets."""
    if min(len(a), len(b)) < LEAST_SET:
        return too_few(min(len(a), len(b)), LEAST_SET)
    k = kernels(a, b)
    error = np.sqrt(sum(_jackknife(left_out) for left_out in _left_out(k)))
    return _interval(squared_mmd(k), error, len(a) + len(b), how) | {"subsets": _subsets(k, how.generator)}


def kid_difference(shared: Floats, one: Floats, other: Floats, how: Resampling) -> Json:
    """KID of ``shared`` to ``one`` minus KID of ``shared`` to ``other``, with its jackknife interval, as JSON."""
    sizes = [len(s) for s in (shared, one, other)]
    if min(sizes) < LEAST_SET:
        return too_few(min(sizes), LEAST_SET)
    a, b = kernels(shared, one), kernels(shared, other)
    (shared_a, from_one), (shared_b, from_other) = _left_out(a), _left_out(b)
    error = np.sqrt(sum(_jackknife(left_out) for left_out in (shared_a - shared_b, from_one, from_other)))
    return _interval(squared_mmd(a) - squared_mmd(b), error, sum(sizes), how)


def kid_against_floor(synthetic: Floats, training: Floats, reference: Floats, how: Resampling) -> Json:
    """KID of the synthetic subjects to the reference, its floor for as many training subjects, and how far above.

    ``ratio`` is given where the floor's interval lies above 0; two sets of one kind have a floor of about 0.
    """
    n = min(len(synthetic), len(training))
    synthetic, training = (s[np.sort(how.generator.permutation(len(s))[:n])] for s in (synthetic, training))
    value, floor = (kid(s, reference, how) for s in (synthetic, training))
    above = floor.get("low", 0) > 0 and "value" in value
    ratio = rounded(value["value"] / floor["value"]) if above else not_computed("the floor cannot be told from 0")
    difference = kid_difference(reference, synthetic, training, how)
    sizes = {"n_real": len(reference), "n_synthetic": n}
    return {"value": value, "floor": floor, "above_floor": difference, "ratio": ratio} | sizes


def _kernel(a: Floats, b: Floats) -> Floats:
    """Mean kernel between the subjects of (N, [S,] F) and (M, [T,] F): (N, M)."""
    a, b = (np.asarray(s[:, None] if s.ndim == 2 else s, np.float64) for s in (a, b))
    flat = b.reshape(-1, b.shape[-1])
    rows = [((x @ flat.T / a.shape[-1] + 1) ** 3).reshape(len(x), len(b), -1).mean(axis=(0, 2)) for x in a]
    return np.stack(rows)


def _within(kernel: Floats) -> float:
    n = len(kernel)
    return float((kernel.sum() - np.trace(kernel)) / (n * (n - 1)))


def _left_out(k: Kernels) -> tuple[Floats, Floats]:
    """The estimate without each subject of the first set (N,), and without each of the second (M,)."""
    first = _within_without(k.first) + _within(k.second) - 2 * _mean_without(k.across)
    return first, _within(k.first) + _within_without(k.second) - 2 * _mean_without(k.across.T)


def _within_without(kernel: Floats) -> Floats:
    n, own = len(kernel), np.diag(kernel)
    pairs = kernel.sum() - own.sum() - 2 * (kernel.sum(axis=1) - own)
    return pairs / ((n - 1) * (n - 2))


def _mean_without(across: Floats) -> Floats:
    return (across.sum() - across.sum(axis=1)) / (across.size - across.shape[1])


def _jackknife(left_out: Floats) -> float:
    """Variance of a statistic from its values without each subject (Efron and Stein 1981)."""
    n = len(left_out)
    return float((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum())


def _interval(value: float, error: float, n: int, how: Resampling) -> Json:
    return Interval(value, value - how.z * error, value + how.z * error, n).as_json()


def _subsets(k: Kernels, rng: np.random.Generator) -> Json:
    size = max(2, min(LARGEST_SUBSET, min(k.across.shape) // 2))
    draws = [[rng.permutation(n)[:size] for n in k.across.shape] for _ in range(SUBSETS)]
    found = [squared_mmd(k.of(rows, columns)) for rows, columns in draws]
    error = rounded(float(np.std(found, ddof=1) / np.sqrt(SUBSETS)))
    return {"mean": rounded(float(np.mean(found))), "se": error, "size": size, "count": SUBSETS}
