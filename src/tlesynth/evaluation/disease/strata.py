"""Whom the comparisons are about, and what is compared in them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tlesynth.data.anatomy import SIDES, STRUCTURES
from tlesynth.metrics.statistics import Json, not_computed

STRATA: dict[str, dict[str, str]] = {
    "hc": {"group": "hc"},
    "tle": {"group": "tle"},
    "tle-left": {"group": "tle", "side": "left"},
    "tle-right": {"group": "tle", "side": "right"},
    "hs-yes": {"group": "tle", "hs": "yes"},
    "hs-no": {"group": "tle", "hs": "no"},
}
PATIENTS = tuple(name for name in STRATA if name != "hc")
ONE_SIDED = ("tle-left", "tle-right")
COHORTS = ("real", "synthetic")
LEAST = 6
"""Scans of a stratum, in each cohort: the spread of fewer cannot be resampled."""


def with_asymmetries(table: pd.DataFrame) -> pd.DataFrame:
    """``table`` (a row per scan with ``<structure>_<side>`` in mm3) with each structure's total and asymmetry.

    Asymmetry is 200 (R - L) / (R + L) percent, as it is (``_asymmetry``) and its size (``_asymmetry_abs``).
    """
    added = {}
    for name in STRUCTURES:
        left, right = (table[f"{name}_{side}"].astype(float) for side in SIDES)
        asymmetry = 200 * (right - left) / (right + left)
        added |= {f"{name}_total": left + right, f"{name}_asymmetry": asymmetry}
        added[f"{name}_asymmetry_abs"] = asymmetry.abs()
    return table.assign(**added)


def measures(stratum: str) -> list[str]:
    """The columns that make sense in a stratum: where both sides of focus are pooled, left and right do not."""
    parts = ("total", "asymmetry_abs") if stratum in ("tle", "hs-yes", "hs-no") else (*SIDES, "asymmetry")
    return [f"{name}_{part}" for name in STRUCTURES for part in parts]


def members(table: pd.DataFrame, cohort: str, stratum: str) -> pd.DataFrame:
    """The scans of one cohort (real, synthetic) in a stratum."""
    kept = table["cohort"] == cohort
    for column, value in STRATA[stratum].items():
        kept &= table[column] == value
    return table[kept]


def values(table: pd.DataFrame, cohort: str, stratum: str, columns: list[str]) -> NDArray[np.float64]:
    """Columns of a stratum's scans: (n, M)."""
    return members(table, cohort, stratum)[columns].to_numpy(np.float64)


def refusal(table: pd.DataFrame, *strata: str) -> Json | None:
    """Why the strata cannot be compared between the cohorts: one has too few scans; None where they can."""
    for stratum in strata:
        for cohort in COHORTS:
            n = len(members(table, cohort, stratum))
            if n < LEAST:
                return not_computed(f"{n} {cohort} scans of {stratum}; at least {LEAST} are needed")
    return None
