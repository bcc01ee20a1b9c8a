"""Of what use are probabilities to who decides by them? Reliability, net benefit, predictive values.

Subjects are weighted as in ``metrics.weighted``: ``weights`` (B, n). Net benefit (Vickers and Elkin 2006) is patients
found, less false alarms at the price that the threshold sets, as a share of all who were judged.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tlesynth.metrics.calibration import LEAST_PER_BIN, MOST_BINS
from tlesynth.metrics.weighted import share

Floats = NDArray[np.floating]
Flags = NDArray[np.bool_]
THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(1, 20))
"""Probabilities from which somebody might act."""
PREVALENCES = (0.01, 0.1, 0.3)
"""Shares of patients among those who are examined, for predictive values: rare, as in screening; some; many, as where
epilepsy is suspected. A clinic's own replaces them."""


def edges_of(probabilities: Floats, people: int) -> Floats:
    """Inner edges (K - 1,) of bins of equally many ``probabilities``: at most ten, at least five ``people`` in each."""
    bins = max(1, min(MOST_BINS, people // LEAST_PER_BIN))
    return np.unique(np.quantile(probabilities, np.arange(1, bins) / bins))


def bin_sums(probabilities: Floats, positive: Flags, weights: Floats, edges: Floats) -> tuple[Floats, Floats, Floats]:
    """In each of K bins: weight, weighted probabilities, weight of the positives, (B, K) each."""
    inside = np.digitize(probabilities, edges)[:, None] == np.arange(len(edges) + 1)  # (n, K)
    return weights @ inside, weights @ (inside * probabilities[:, None]), weights @ (inside & positive[:, None])


def net_benefit(probabilities: Floats, positive: Flags, weights: Floats, thresholds: Floats) -> Floats:
    """Of acting from each of ``thresholds`` (T,) in (0, 1): (B, T). At most the share of positives; acting never has 0.

    A threshold of 0.2 says that one patient found is worth four false alarms: each costs 0.2 / 0.8.
    """
    called = probabilities[:, None] >= thresholds  # (n, T)
    found, alarms = weights @ (called & positive[:, None]), weights @ (called & ~positive[:, None])
    return share(found - alarms * thresholds / (1 - thresholds), weights.sum(axis=1, keepdims=True))


def treat_all(prevalence: float, thresholds: Floats) -> Floats:
    """The net benefit of acting on everybody, at each of ``thresholds`` (T,)."""
    return prevalence - (1 - prevalence) * thresholds / (1 - thresholds)


def predictive_values(sensitivity: Floats, specificity: Floats, prevalence: float) -> tuple[Floats, Floats]:
    """Chance that who is called positive is ill, and that who is called negative is well, by Bayes; NaN if none is."""
    ill, well = sensitivity * prevalence, specificity * (1 - prevalence)
    alarms, missed = (1 - specificity) * (1 - prevalence), (1 - sensitivity) * prevalence
    return share(ill, ill + alarms), share(well, well + missed)
