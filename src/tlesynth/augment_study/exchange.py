"""How many more real scans would do what the synthetic ones do? Read off the learning curve over real scans."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tlesynth.augment_study.comparing import interval
from tlesynth.augment_study.verdicts import Floats
from tlesynth.metrics.statistics import Json, Resampling, not_computed

LEAST_POINTS = 3
MOST = 1e4
"""A gain is worth at most this many times the real scans: beyond, the curve says nothing."""


def curve_of(aucs: Mapping[int, Floats], n: int, how: Resampling) -> list[Json]:
    """The learning curve as points: ``scans`` and the AUC's interval, from few scans to many."""
    return [{"scans": scans, "auc_roc": interval(aucs[scans], n, how)} for scans in sorted(aucs)]


def exchange(aucs: Mapping[int, Floats], gain: Floats, real: int, synthetic: float, how: Resampling) -> Json:
    """Real scans that are worth as much as the ``synthetic`` ones added to ``real`` real ones, as JSON.

    AUC = a + b log n is fitted to the curve in every draw (``aucs``: (1 + B,) by number of real scans); a gain g over
    the plain arm is then worth ``real`` (exp(g / b) - 1) more real scans.
    """
    scans = sorted(aucs)
    if len(scans) < LEAST_POINTS:
        return not_computed(f"the learning curve has {len(scans)} points; {LEAST_POINTS} are needed")
    x = np.log(scans)
    y = np.stack([aucs[n] for n in scans])  # (points, 1 + B)
    slope = ((x - x.mean()) @ (y - y.mean(axis=0))) / ((x - x.mean()) ** 2).sum()
    steepness = interval(slope, len(scans), how)
    if "low" not in steepness or steepness["low"] <= 0:
        return not_computed("the learning curve does not clearly rise: more real scans would not clearly help either")
    worth = np.clip(real * np.expm1(np.clip(gain / slope, -50, 50)), -real, MOST * real)
    found = interval(worth, len(scans), how)
    return {"real_scans": found, "synthetic_scans": synthetic, "slope": steepness}
