"""Do synthetic scans carry the class they were made as? Asked of classifiers that learned from real scans alone.

Far above their performance on real scans means a caricature of the disease, far below means that it is not there. A
figure on synthetic scans is the mean over single trainings, as it is on real ones: the mean score of several trainings
ranks better than each of them, and would call the same scans plainer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from tlesynth.augment_study.comparing import interval
from tlesynth.augment_study.resampling import draw, figures
from tlesynth.augment_study.verdicts import Subjects, Verdicts
from tlesynth.metrics.statistics import Json, Resampling

LEAST_PER_CLASS = 200
MARGIN = 0.07
"""How far the AUC on synthetic scans may lie from that on real ones to be called alike."""
SHOWN = ("auc_roc", "accuracy", "recall", "specificity")


def consistency(made: Sequence[Verdicts], scans: Subjects, real: Mapping[str, Json], how: Resampling) -> Json:
    """``SHOWN`` of the ``made`` trainings on synthetic ``scans``, beside the same on real test scans (``real``).

    Intervals are over scans, splits and seeds, as those of ``real`` are.
    """
    draws = draw(scans, ((one.split, one.seed) for one in made), how)
    found = {name: interval(values, len(scans), how) for name, values in figures(made, scans, draws, SHOWN).items()}
    n1 = int(scans.positive.sum())
    n0 = len(scans) - n1
    return found | {
        "positive": n1,
        "negative": n0,
        "real": {name: real[name] for name in SHOWN},
        "few": min(n1, n0) < LEAST_PER_CLASS,
        "least": LEAST_PER_CLASS,
        "reading": _reading(found["auc_roc"], real["auc_roc"]),
    }


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
