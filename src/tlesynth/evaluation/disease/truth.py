"""The measure itself, judged: volumes as measured beside those the simulator planted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tlesynth import durable
from tlesynth.data.anatomy import SIDES, STRUCTURES
from tlesynth.metrics.agreement import LEAST, agreement, correlations, slopes
from tlesynth.metrics.statistics import Floats, Json, Resampling, bootstrap, not_computed, too_few

METHODS = {"registration": "", "tissue": "_tissue"}
"""Ways to measure a volume, and how their columns end."""


def against_truth(table: pd.DataFrame, truth: Path | None, how: Resampling) -> Json:
    """Bland-Altman bias and limits, slope and correlation of every structure by both methods, left and right together;
    of the hippocampal asymmetry slope and correlation.

    ``truth`` is a simulation's truth.tsv, with ``<structure>_<side>_mni_mm3``.
    """
    if truth is None:
        return not_computed("only a simulated cohort has a known truth")
    known = durable.read_table(truth).set_index("participant_id")
    real = table[table["cohort"] == "real"].set_index("participant_id")
    shared = sorted(set(known.index) & set(real.index))
    known, real = known.loc[shared], real.loc[shared]
    result: Json = {}
    for method, ending in METHODS.items():
        pairs = {name: _pairs(name, known, real, ending) for name in STRUCTURES}
        result[method] = {n: p if isinstance(p, dict) else agreement(*p, how) for n, p in pairs.items()}
        sides = pairs["hippocampus"]
        result[method]["hippocampus_asymmetry"] = sides if isinstance(sides, dict) else _asymmetries(*sides, how)
    return result


def _pairs(name: str, known: pd.DataFrame, real: pd.DataFrame, ending: str) -> tuple[Floats, Floats] | Json:
    """Planted and measured volumes (n, 2), left and right, or why there are none."""
    columns = [f"{name}_{side}_mni_mm3" for side in SIDES]
    if missing := [c for c in columns if c not in known]:
        return not_computed(f"the truth table has no column {missing[0]}")
    planted = known[columns].apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    measured = real[[f"{name}_{side}{ending}" for side in SIDES]].to_numpy(np.float64)
    told = np.isfinite(planted).all(axis=1) & np.isfinite(measured).all(axis=1)
    return planted[told], measured[told]


def _asymmetries(planted: Floats, measured: Floats, how: Resampling) -> Json:
    """Slope and correlation of the measured on the planted asymmetry; both volumes are (n, 2), left and right."""
    x, y = (200 * (v[:, 1] - v[:, 0]) / v.sum(axis=1) for v in (planted, measured))
    if len(x) < LEAST or np.std(x) == 0 or np.std(y) == 0:
        return too_few(len(x), LEAST) if len(x) < LEAST else not_computed("one of the two does not vary")
    return {
        "slope": bootstrap(lambda rows: slopes(x[rows], y[rows]), (len(x),), how),
        "correlation": bootstrap(lambda rows: correlations(x[rows], y[rows]), (len(x),), how),
    }
