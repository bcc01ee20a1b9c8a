"""Effect sizes of two cohorts beside each other: is the synthetic disease as large as the real one?

Every draw resamples subjects, patients and controls apart; all measures of a draw share its subjects.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tlesynth.metrics.statistics import Floats, Interval, Json, Resampling, drawn_interval, rounded


@dataclass(frozen=True, eq=False)
class Drawn:
    """Statistics (M,) of ``n`` subjects with their bootstrap draws (B, M)."""

    value: Floats
    draws: Floats
    n: int

    def interval(self, place: int, how: Resampling) -> Json:
        """One of the statistics with its percentile interval, as JSON."""
        found = np.concatenate([self.value[place : place + 1], self.draws[:, place]])
        return drawn_interval(found, self.n, how, "both groups are constant")


def effects(patients: Floats, controls: Floats, how: Resampling, removed: tuple[Floats, Floats] | None = None) -> Drawn:
    """Hedges' g of each column of ``patients`` (n1, M) against ``controls`` (n0, M).

    A resample's variance is (n - 1) / n of the sample's on average; the draws are freed of that. ``removed`` are
    covariates (n1 + n0, K), patients first, and their slopes (1 + B, K, M), which are taken out draw by draw.

    Source: Hedges and Olkin 1985, chapter 5.
    """
    n1, n0 = len(patients), len(controls)
    rows = how.subjects(n1, n0)
    both = np.concatenate([patients, controls])
    x, slopes = removed or (np.zeros((n1 + n0, 0)), np.zeros((1 + len(rows), 0, both.shape[1])))
    value = _g((both - x @ slopes[0])[None], n1, (n1 - 1, n0 - 1))[0]
    draws = [
        _g((both[rows, m] - (x[rows] @ slopes[1:, :, m, None])[..., 0])[..., None], n1, (n1, n0))[:, 0]
        for m in range(both.shape[1])
    ]
    return Drawn(value, np.stack(draws, axis=1), n1 + n0)


def equivalence(real: Drawn, made: Drawn, place: int, margin: float, how: Resampling) -> Json:
    """A synthetic effect beside the real one: their difference, and whether it is within ``margin``, as JSON.

    Two one-sided tests (Schuirmann 1987): ``equivalent`` where ``p`` (``tost``) is below 1 - confidence; else
    ``different`` where the difference's interval leaves out 0; else ``undecided``.
    """
    found: Json = {"real": real.interval(place, how), "synthetic": made.interval(place, how)}
    if any("not_computed" in f for f in found.values()):
        return found
    draws = made.draws[:, place] - real.draws[:, place]
    difference = Interval(float(made.value[place] - real.value[place]), *how.limits(draws), real.n + made.n)
    p = tost(draws, margin)
    verdict = verdict_of(difference, p, how.confidence)
    return found | {"difference": difference.as_json(), "margin": margin, "p": rounded(p), "verdict": verdict}


def tost(draws: Floats, margin: float) -> float:
    """The larger p of the two one-sided tests that a difference with these ``draws`` (B,) lies within ``margin``.

    (1 + k) / (1 + B), k draws beyond the margin: 2000 draws cannot show a p of 0 (Davison and Hinkley 1997, 4.2).
    """
    known = draws[np.isfinite(draws)]
    return float((1 + max((known <= -margin).sum(), (known >= margin).sum())) / (1 + len(known)))


def verdict_of(difference: Interval, p: float, confidence: float) -> str:
    """``equivalent``, ``different`` or ``undecided``; few subjects leave a difference undecided, never equivalent."""
    if p < 1 - confidence:
        return "equivalent"
    return "undecided" if difference.low <= 0 <= difference.high else "different"


def deming(x: Floats, y: Floats) -> Floats:
    """Slope of y on x (..., M) with equal errors in both (Deming 1943): (...,); NaN where they do not covary."""
    x, y = x - x.mean(axis=-1, keepdims=True), y - y.mean(axis=-1, keepdims=True)
    xx, yy, xy = (x * x).sum(-1), (y * y).sum(-1), (x * y).sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (yy - xx + np.sqrt((yy - xx) ** 2 + 4 * xy**2)) / (2 * xy)


def _g(values: Floats, n1: int, weights: tuple[int, int]) -> Floats:
    """Standardised mean difference of the first ``n1`` rows of ``values`` (B, n, M) to the others: (B, M)."""
    a, b = values[:, :n1], values[:, n1:]
    n0 = b.shape[1]
    pooled = (weights[0] * a.var(axis=1, ddof=1) + weights[1] * b.var(axis=1, ddof=1)) / (n1 + n0 - 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        g = (1 - 3 / (4 * (n1 + n0) - 9)) * (a.mean(axis=1) - b.mean(axis=1)) / np.sqrt(pooled)
    return np.where(pooled > 0, g, np.nan)
