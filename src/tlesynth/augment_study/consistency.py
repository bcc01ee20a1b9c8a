"""Do synthetic scans carry the class they were made as? Asked of classifiers that learned from real scans alone.

Far above their performance on real scans means a caricature of the disease, far below means that it is not there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from tlesynth.augment_study.verdicts import Subjects, Verdicts, averaged
from tlesynth.metrics.statistics import Json, auc_interval, proportion

LEAST_PER_CLASS = 200
MARGIN = 0.07
"""How far the AUC on synthetic scans may lie from that on real ones to be called alike."""


def consistency(made: Sequence[Verdicts], scans: Subjects, real: Json, confidence: float) -> Json:
    """AUC and accuracy on synthetic ``scans``, each judged by the mean of the ``made`` trainings, beside ``real``.

    ``real`` is the AUC of the same classifiers on real test scans, an interval. Intervals are over scans.
    """
    found = averaged(made, scans)
    positive = scans.positive[found.rows]
    right = found.called == positive
    n1, n0 = int(positive.sum()), int((~positive).sum())
    told: Json = {
        "auc_roc": auc_interval(found.probability, positive, confidence),
        "accuracy": proportion(int(right.sum()), len(right), confidence),
        "positive": n1,
        "negative": n0,
        "positive_right": int((right & positive).sum()),
        "negative_right": int((right & ~positive).sum()),
        "real": real,
        "few": min(n1, n0) < LEAST_PER_CLASS,
        "least": LEAST_PER_CLASS,
    }
    return told | {"reading": _reading(told["auc_roc"], real)}


def _reading(made: Json, real: Json) -> str:
    """What the gap says, if it is larger than the margin and than the two intervals together allow by chance."""
    if "value" not in made or "value" not in real:
        return "unknown"
    gap = made["value"] - real["value"]
    if abs(gap) <= MARGIN:
        return "alike"
    ends = (made["low"], real["high"]) if gap > 0 else (made["high"], real["low"])
    chance = math.hypot(made["value"] - ends[0], real["value"] - ends[1])
    if abs(gap) <= chance:
        return "unclear"
    return "caricature" if gap > 0 else "weak"
