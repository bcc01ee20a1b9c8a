"""Whether synthetic volumes and asymmetries are spread as real ones are, and left goes with right as it does."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tlesynth.data.anatomy import SIDES, STRUCTURES
from tlesynth.evaluation.disease.strata import COHORTS, STRATA, measures, refusal, values
from tlesynth.metrics.agreement import correlations
from tlesynth.metrics.spread import deviation_ratio, kolmogorov_smirnov, wasserstein
from tlesynth.metrics.statistics import Floats, Json, Resampling, drawn_interval, mean_interval

RATIOS = (0.8, 1.25)
"""Ratios of standard deviations, synthetic over real, that count as alike."""
TAIL = 95
"""Percentile of the controls' absolute asymmetry beyond which a scan counts as asymmetric."""

CONSTANT = "a set does not vary"


def distributions(table: pd.DataFrame, how: Resampling) -> Json:
    """Per stratum and measure: both means, ratio of deviations with its verdict, Kolmogorov-Smirnov, Wasserstein-1."""
    result: Json = {}
    for stratum in STRATA:
        result[stratum] = refusal(table, stratum) or {
            name: _compared(*(values(table, c, stratum, [name])[:, 0] for c in COHORTS), how)
            for name in measures(stratum)
        }
    return result


def side_correlations(table: pd.DataFrame, how: Resampling) -> Json:
    """Per stratum and structure: correlation of left with right volumes, real, synthetic and their difference."""
    result: Json = {}
    for stratum in ("hc", "tle", "tle-left", "tle-right"):
        result[stratum] = refusal(table, stratum) or {
            name: _side_correlation(table, stratum, name, how) for name in STRUCTURES
        }
    return result


def asymmetry_tails(table: pd.DataFrame, how: Resampling) -> Json:
    """Share of patients whose hippocampal asymmetry exceeds that of 95 % of the real controls, real and synthetic.

    ``blended`` where the synthetic share is lower: patients that are a little small on both sides, as a generator
    makes them that has mixed left with right. ``overdrawn`` where it is higher; ``undecided`` where neither is shown.
    """
    if refused := refusal(table, "hc", "tle"):
        return refused
    column = ["hippocampus_asymmetry_abs"]
    controls = values(table, "real", "hc", column)[:, 0]
    rows = np.vstack([np.arange(len(controls)), how.subjects(len(controls))])
    limit = np.percentile(controls[rows], TAIL, axis=1)  # (1 + B,)
    shares, found = {}, {"threshold_percent": drawn_interval(limit, len(controls), how, CONSTANT)}
    for cohort in COHORTS:
        patients = values(table, cohort, "tle", column)[:, 0]
        rows = np.vstack([np.arange(len(patients)), how.subjects(len(patients))])
        shares[cohort] = (patients[rows] > limit[:, None]).mean(axis=1)
        found[cohort] = drawn_interval(shares[cohort], len(patients), how, CONSTANT)
    gap = shares["synthetic"] - shares["real"]
    difference = drawn_interval(gap, found["real"]["n"] + found["synthetic"]["n"], how, CONSTANT)
    verdict = "blended" if difference["high"] < 0 else "overdrawn" if difference["low"] > 0 else "undecided"
    return found | {"difference": difference, "verdict": verdict}


def _compared(real: Floats, made: Floats, how: Resampling) -> Json:
    ratio = deviation_ratio(made, real, how)
    if "value" in ratio:
        low, high = RATIOS
        inside, outside = low <= ratio["low"] and ratio["high"] <= high, ratio["high"] < low or ratio["low"] > high
        ratio["verdict"] = "alike" if inside else "different" if outside else "undecided"
    return {
        "real": mean_interval(real, how),
        "synthetic": mean_interval(made, how),
        "deviation_ratio": ratio,
        "kolmogorov_smirnov": kolmogorov_smirnov(made, real, how),
        "wasserstein": wasserstein(made, real, how),
    }


def _side_correlation(table: pd.DataFrame, stratum: str, structure: str, how: Resampling) -> Json:
    found, drawn = {}, {}
    for cohort in COHORTS:
        pair = values(table, cohort, stratum, [f"{structure}_{side}" for side in SIDES])
        rows = np.vstack([np.arange(len(pair)), how.subjects(len(pair))])
        drawn[cohort] = correlations(pair[rows, 0], pair[rows, 1])
        found[cohort] = drawn_interval(drawn[cohort], len(pair), how, CONSTANT)
    n = sum(f.get("n", 0) for f in found.values())
    return found | {"difference": drawn_interval(drawn["synthetic"] - drawn["real"], n, how, CONSTANT)}
