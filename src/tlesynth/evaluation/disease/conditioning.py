"""Does the generator give what it is asked for? Side, sex and numbers asked of synthetic scans, against measured."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tlesynth.data.cohort import COLUMNS as OWN
from tlesynth.evaluation.disease.strata import COHORTS, LEAST, ONE_SIDED, members
from tlesynth.metrics.agreement import correlations, slopes
from tlesynth.metrics.statistics import (
    Floats,
    Json,
    Resampling,
    auc_interval,
    bootstrap,
    hedges_g,
    not_computed,
    proportion,
    too_few,
)

SEVERITY = ("severity", "asymmetry", "duration")
"""Words in the name of a condition that is answered by the hippocampal asymmetry; others by a volume."""


def conditioning(
    table: pd.DataFrame, asked: pd.DataFrame | None, how: Resampling, told: pd.DataFrame | None = None
) -> Json:
    """What was asked for against what was measured, in the synthetic cohort and beside it in the real one.

    ``asked`` is the synthetic participants.tsv, indexed by participant_id; its numeric columns beyond age that the
    generator was given are checked too, beside the same columns of the real one, ``told``.
    """
    numbers = numeric_conditions(asked)
    return {
        "side": {cohort: _side(table, cohort, how) for cohort in COHORTS},
        "sex": {cohort: _sex(table, cohort, how) for cohort in COHORTS},
        "age": {cohort: _age(table, cohort, how) for cohort in COHORTS},
        "numbers": {name: _numbers(table, asked, told, name, how) for name in numbers}
        if asked is not None and numbers
        else not_computed("the synthetic cohort was asked for no other number"),
    }


def numeric_conditions(asked: pd.DataFrame | None) -> list[str]:
    """Columns of the synthetic participants.tsv that hold numbers, without the usual ones."""
    if asked is None:
        return []
    others = [c for c in asked.columns if c not in OWN]
    return [c for c in others if pd.to_numeric(asked[c], errors="coerce").notna().any()]


def _side(table: pd.DataFrame, cohort: str, how: Resampling) -> Json:
    """Does a left focus come with a smaller left hippocampus (asymmetry above 0), a right one with a smaller right?"""
    left, right = (members(table, cohort, s)["hippocampus_asymmetry"].to_numpy(np.float64) for s in ONE_SIDED)
    both = np.concatenate([left, right])
    hits = int((left > 0).sum() + (right < 0).sum())
    return {
        "auc": auc_interval(both, np.arange(len(both)) < len(left), how.confidence),
        "share_on_the_asked_side": proportion(hits, len(both), how.confidence),
    }


def _sex(table: pd.DataFrame, cohort: str, how: Resampling) -> Json:
    """Hedges' g of women's hippocampi against men's, both groups, volumes in MNI space (head size taken out)."""
    rows = table[table["cohort"] == cohort]
    women, men = (rows.loc[rows["sex"] == s, "hippocampus_total"].to_numpy(np.float64) for s in ("F", "M"))
    return hedges_g(women, men, how.confidence)


def _age(table: pd.DataFrame, cohort: str, how: Resampling) -> Json:
    """Total hippocampal volume of controls (mm3) by age (years)."""
    rows = members(table, cohort, "hc")
    age = pd.to_numeric(rows["age"], errors="coerce").to_numpy(np.float64)
    return _followed(age, rows["hippocampus_total"].to_numpy(np.float64), how) | {"measure": "hippocampus_total"}


def _numbers(table: pd.DataFrame, asked: pd.DataFrame, told: pd.DataFrame | None, name: str, how: Resampling) -> Json:
    """A number against what answers it, the structure it names or the hippocampi: as asked of synthetic scans, and as
    told of real ones."""
    measure = answered_by(name, list(table.columns))
    known = told is not None and name in told
    real = _number(table, "real", told, name, measure, how) if known else not_computed("real scans do not tell it")
    return _number(table, "synthetic", asked, name, measure, how) | {"measure": measure, "real": real}


def _number(table: pd.DataFrame, cohort: str, people: pd.DataFrame, name: str, measure: str, how: Resampling) -> Json:
    rows = table[table["cohort"] == cohort].set_index("participant_id")
    wanted = pd.to_numeric(people[name], errors="coerce").reindex(rows.index).to_numpy(np.float64)
    return _followed(wanted, rows[measure].to_numpy(np.float64), how)


def answered_by(name: str, columns: list[str]) -> str:
    """The measured column that a condition's name asks about: ``hippocampus_left_mni_mm3`` the left hippocampus."""
    named = [c for c in columns if name.startswith(c) and "_" in c]
    if named:
        return max(named, key=len)
    return "hippocampus_asymmetry_abs" if any(word in name for word in SEVERITY) else "hippocampus_total"


def _followed(wanted: Floats, measured: Floats, how: Resampling) -> Json:
    """Slope and correlation of measured on asked."""
    known = np.isfinite(wanted) & np.isfinite(measured)
    wanted, measured = wanted[known], measured[known]
    if len(wanted) < LEAST:
        return too_few(len(wanted), LEAST)
    if np.std(wanted) == 0 or np.std(measured) == 0:
        return not_computed("one of the two does not vary")
    return {
        "slope": bootstrap(lambda rows: slopes(wanted[rows], measured[rows]), (len(wanted),), how),
        "correlation": bootstrap(lambda rows: correlations(wanted[rows], measured[rows]), (len(wanted),), how),
    }
