"""Hippocampal volumes and their asymmetry: does the synthetic cohort carry the disease, and on the right side?

Measured alike on real and synthetic volumes (see ``hippocampus``). The measure is a proxy, so it is itself judged
against the simulated truth where there is one.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tlesynth.data.anatomy import SIDES
from tlesynth.metrics.agreement import slopes
from tlesynth.metrics.statistics import Json, Resampling, bootstrap, correlation, hedges_g, mean_interval
from tlesynth.metrics.statistics import not_computed as nc

MEASURE = "hippocampal volume (mm3, MNI space) by deforming the template; asymmetry = 200 (R - L) / (R + L) in percent"
EFFECT = "Hedges' g of |asymmetry|, TLE against controls"
STRATA = {"hc": ("hc", None), "tle": ("tle", None), "tle-left": ("tle", "left"), "tle-right": ("tle", "right")}


def group_figures(table: pd.DataFrame, how: Resampling) -> Json:
    """Per class (and side of the focus): means of left, right and asymmetry with intervals, real beside synthetic.

    ``table`` has a row per scan: cohort (real, synthetic), group, side, left, right (mm3), asymmetry (percent).
    """
    return {
        name: {cohort: _figures(_stratum(table, cohort, name), how) for cohort in ("real", "synthetic")}
        for name in STRATA
    }


def effect_sizes(table: pd.DataFrame, how: Resampling) -> Json:
    """How far TLE lies from controls, in the real and in the synthetic cohort: |asymmetry|, and signed by side."""
    by_side = {
        name: {cohort: _effect(table, cohort, name, "asymmetry", how) for cohort in ("real", "synthetic")}
        for name in ("tle-left", "tle-right")
    }
    overall = {cohort: _effect(table, cohort, "tle", "asymmetry_abs", how) for cohort in ("real", "synthetic")}
    signed = "Hedges' g of the signed asymmetry, TLE of that side against controls"
    return {**overall, "definition": EFFECT, "by_side": {**by_side, "definition": signed}}


def side_correlation(table: pd.DataFrame, how: Resampling) -> Json:
    """Correlation of left with right volumes per class and cohort: high in controls, lower where one side is lost."""
    result: Json = {}
    for name in ("hc", "tle"):
        rows = {cohort: _stratum(table, cohort, name) for cohort in ("real", "synthetic")}
        result[name] = {
            cohort: correlation(r["left"].to_numpy(), r["right"].to_numpy(), how.confidence)
            for cohort, r in rows.items()
        }
    return result


def against_truth(table: pd.DataFrame, truth: pd.DataFrame, how: Resampling) -> Json:
    """How well the measure follows the simulated truth: correlation and bias of volumes, correlation of asymmetries.

    ``truth`` is indexed by participant_id with columns left and right, mm3 in MNI space.
    """
    real = table[table["cohort"] == "real"].set_index("participant_id")
    shared = sorted(set(real.index) & set(truth.index))
    if not shared:
        return nc("no measured scan has a known truth")
    real, truth = real.loc[shared], truth.loc[shared]
    measured, known = (t[list(SIDES)].to_numpy(dtype=np.float64) for t in (real, truth))
    asymmetry = 200 * (known[:, 1] - known[:, 0]) / known.sum(axis=1)
    bias = 100 * (measured / known - 1).mean(axis=1)
    return {
        "correlation": correlation(measured.mean(axis=1), known.mean(axis=1), how.confidence),
        "correlation_left": correlation(measured[:, 0], known[:, 0], how.confidence),
        "correlation_right": correlation(measured[:, 1], known[:, 1], how.confidence),
        "bias_percent": mean_interval(bias, how),
        "asymmetry_correlation": correlation(real["asymmetry"].to_numpy(np.float64), asymmetry, how.confidence),
        "asymmetry_slope": _slope(asymmetry, real["asymmetry"].to_numpy(np.float64), how),
        "n": len(shared),
    }


def _figures(rows: pd.DataFrame, how: Resampling) -> Json:
    columns = ("left", "right", "asymmetry", "asymmetry_abs")
    figures: Json = {c: mean_interval(rows[c].to_numpy(np.float64), how) for c in columns}
    enough = len(rows) >= 2
    figures["sd"] = float(f"{rows['asymmetry'].std(ddof=1):.6g}") if enough else nc("a single scan has no spread")
    return figures


def _effect(table: pd.DataFrame, cohort: str, stratum: str, column: str, how: Resampling) -> Json:
    patients, controls = _stratum(table, cohort, stratum), _stratum(table, cohort, "hc")
    return hedges_g(patients[column].to_numpy(np.float64), controls[column].to_numpy(np.float64), how.confidence)


def _stratum(table: pd.DataFrame, cohort: str, name: str) -> pd.DataFrame:
    group, side = STRATA[name]
    kept = (table["cohort"] == cohort) & (table["group"] == group)
    return table[kept & (table["side"] == side)] if side else table[kept]


def _slope(known: NDArray[np.float64], measured: NDArray[np.float64], how: Resampling) -> Json:
    """Least-squares slope of the measured on the true asymmetry: below 1 the measure dilutes the effect."""
    if np.std(known) == 0:
        return nc("the true asymmetry does not vary")
    return bootstrap(lambda rows: slopes(known[rows], measured[rows]), (len(known),), how)
