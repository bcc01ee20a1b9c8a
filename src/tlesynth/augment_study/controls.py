"""The negative controls: does each show what it must? Shuffled labels must not help, and permuted ones must guess.

By chance an interval misses the truth once in twenty studies: one control that fails is a reason to look, not a proof
that the study is at fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from tlesynth.augment_study.arms import PERMUTED, REAL, SHUFFLED
from tlesynth.augment_study.comparing import Arm, interval
from tlesynth.metrics.statistics import Json, Resampling

CHANCE = 0.5
Reading = Literal["as it must", "not as it must", "unknown"]
MUST = {
    SHUFFLED: "synthetic scans with shuffled labels must not raise the AUC above that of real scans alone",
    PERMUTED: "an arm that learned from permuted labels must guess: the interval of its AUC must hold 0.5",
}


def controls(arms: Mapping[str, Arm], n: int, how: Resampling) -> Json:
    """For each control that was run: what it must show, the ``figure`` that tells, and the ``reading``."""
    found: Json = {}
    if SHUFFLED in arms:
        gain = interval(arms[SHUFFLED].drawn["auc_roc"] - arms[REAL].drawn["auc_roc"], n, how)
        told = {"what": "AUC minus that of real scans alone", "figure": gain}
        found[SHUFFLED] = told | {"reading": _reading(gain, "low" in gain and gain["low"] <= 0)}
    if PERMUTED in arms:
        auc = interval(arms[PERMUTED].drawn["auc_roc"], n, how)
        holds = "low" in auc and auc["low"] <= CHANCE <= auc["high"]
        found[PERMUTED] = {"what": "AUC", "figure": auc, "reading": _reading(auc, holds)}
    return {name: told | {"must": MUST[name]} for name, told in found.items()}


def _reading(figure: Json, fine: bool) -> Reading:
    if "value" not in figure:
        return "unknown"
    return "as it must" if fine else "not as it must"
