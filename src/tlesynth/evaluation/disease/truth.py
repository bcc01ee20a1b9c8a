"""The measure itself, judged: volumes as measured beside those the simulator planted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tlesynth import durable
from tlesynth.data.anatomy import SIDES, STRUCTURES
from tlesynth.metrics.agreement import agreement
from tlesynth.metrics.statistics import Json, Resampling, not_computed

METHODS = {"registration": "", "tissue": "_tissue"}
"""Ways to measure a volume, and how their columns end."""


def against_truth(table: pd.DataFrame, truth: Path | None, how: Resampling) -> Json:
    """Bland-Altman bias and limits, slope and correlation of every structure by both methods, left and right together.

    ``truth`` is a simulation's truth.tsv, with ``<structure>_<side>_mni_mm3``.
    """
    if truth is None:
        return not_computed("only a simulated cohort has a known truth")
    known = durable.read_table(truth).set_index("participant_id")
    real = table[table["cohort"] == "real"].set_index("participant_id")
    shared = sorted(set(known.index) & set(real.index))
    known, real = known.loc[shared], real.loc[shared]
    return {
        method: {name: _of(name, known, real, ending, how) for name in STRUCTURES} for method, ending in METHODS.items()
    }


def _of(name: str, known: pd.DataFrame, real: pd.DataFrame, ending: str, how: Resampling) -> Json:
    columns = [f"{name}_{side}_mni_mm3" for side in SIDES]
    if missing := [c for c in columns if c not in known]:
        return not_computed(f"the truth table has no column {missing[0]}")
    planted = known[columns].apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    measured = real[[f"{name}_{side}{ending}" for side in SIDES]].to_numpy(np.float64)
    told = np.isfinite(planted).all(axis=1) & np.isfinite(measured).all(axis=1)
    return agreement(planted[told], measured[told], how)
