"""Do readers agree, with each other and with themselves? Nominal answers, chance taken off.

Fleiss' kappa collapses where nearly all answers are of one kind (the kappa paradox); Gwet's AC1 does not. Both stand.

Source: Fleiss, Psychol Bull 1971; Gwet, Br J Math Stat Psychol 2008.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tlesynth.metrics.statistics import FEWEST, Floats, Json, Resampling, Rows, bootstrap, not_computed, too_few


def counts_of(answers: list[list[str]], kinds: tuple[str, ...]) -> Floats:
    """How often each of ``kinds`` was answered for each item: (n, q)."""
    return np.array([[row.count(kind) for kind in kinds] for row in answers], np.float64).reshape(-1, len(kinds))


def agreement(counts: Floats, how: Resampling) -> Json:
    """Raw agreement, Gwet's AC1 and Fleiss' kappa of ``counts`` (n, q), with bootstrap intervals over items, as JSON.

    Items answered fewer than twice are left out.
    """
    counts = counts[counts.sum(axis=1) >= 2]
    if len(counts) < FEWEST:
        return too_few(len(counts))
    if (counts.sum(axis=0) > 0).sum() < 2:
        return not_computed("all answers are the same")

    def of(statistic: Callable[[Floats], Floats]) -> Json:
        return bootstrap(lambda rows: statistic(_drawn(counts, rows)), (len(counts),), how)

    return {"agreement": of(raw), "gwet_ac1": of(gwet), "fleiss_kappa": of(fleiss)}


def raw(counts: Floats) -> Floats:
    """Share of pairs of answers to one item that agree: counts (..., n, q) -> (...,)."""
    given = counts.sum(axis=-1)
    return ((counts * (counts - 1)).sum(axis=-1) / (given * (given - 1))).mean(axis=-1)


def gwet(counts: Floats) -> Floats:
    """Gwet's AC1 of counts (..., n, q) -> (...,)."""
    share = _shares(counts)
    chance = (share * (1 - share)).sum(axis=-1) / (counts.shape[-1] - 1)
    return (raw(counts) - chance) / (1 - chance)


def fleiss(counts: Floats) -> Floats:
    """Fleiss' kappa of counts (..., n, q) -> (...,); NaN where all answers are of one kind."""
    chance = (_shares(counts) ** 2).sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(chance < 1, (raw(counts) - chance) / (1 - chance), np.nan)


def _shares(counts: Floats) -> Floats:
    """How often each kind is answered, every item alike: (..., q)."""
    return (counts / counts.sum(axis=-1, keepdims=True)).mean(axis=-2)


def _drawn(counts: Floats, rows: Rows) -> Floats:
    return counts[rows]
