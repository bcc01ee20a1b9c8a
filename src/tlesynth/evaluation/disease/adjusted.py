"""The effect of the disease once age, sex and head size are taken out, as a reviewer asks where groups are not matched.

What ageing, sex and head size do to a volume is learnt from the real controls alone, in whom no disease is mixed with
them, and taken from every scan. Raw and adjusted effects are of the same scans: those whose covariates are all known.

Source: regression of controls as in normative modelling, e.g. Voevodskaya et al. 2014 for head size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tlesynth.evaluation.disease.strata import COHORTS, LEAST, PATIENTS, measures, members
from tlesynth.metrics.effects import Drawn, effects, equivalence
from tlesynth.metrics.regression import coefficients, times_drawn
from tlesynth.metrics.statistics import Floats, Json, Resampling, mean_interval, not_computed

METHOD = "Hedges' g of what is left of each measure after the real controls' slopes on the covariates are taken out"
COVARIATES = ("age", "sex", "head_size")
WORDS = {"age": "age", "sex": "sex", "head_size": "head size"}
HEADS = "volumes are in MNI space, where the affine map has scaled heads alike; a synthetic scan has no other size"
LEAST_CONTROLS = 15
"""Real controls from whom slopes are learnt."""
KNOWN = 0.9
"""Share of a cohort's scans, in either group, that must tell a covariate for it to be used."""


@dataclass(frozen=True, eq=False)
class Slopes:
    """What covariates do to measures in health: slopes (1 + B, K, M), the scans as they are first."""

    covariates: tuple[str, ...]
    columns: list[str]
    values: Floats
    n: int


def adjusted_effects(table: pd.DataFrame, healthy: pd.DataFrame, margin: float, how: Resampling) -> Json:
    """Raw and adjusted effects of each cohort by all it tells, and both cohorts compared by what both tell.

    Args:
        table: the scans that are compared, as ``strata.with_asymmetries`` gives them, with age, sex and head_size.
        healthy: real controls from whom slopes are learnt; they may be more than those compared.
        margin: of the equivalence test.
        how: the resampling; every draw learns the slopes anew.
    """
    told = {cohort: told_by(table[table["cohort"] == cohort]) for cohort in COHORTS}
    shared = tuple(name for name in told["real"] if name in told["synthetic"])
    result: Json = {"method": METHOD, "head_size": HEADS}
    for cohort in COHORTS:
        slopes = _slopes(healthy, told[cohort], how)
        result[cohort] = slopes if isinstance(slopes, dict) else _of_cohort(table, cohort, slopes, how)
    slopes = _slopes(healthy, shared, how)
    if isinstance(slopes, dict):
        return result | {"compared": slopes}
    compared: Json = {"covariates": list(shared), "controls": slopes.n, "margin": margin}
    return result | {"compared": compared | {s: _compared(table, s, slopes, margin, how) for s in PATIENTS}}


def told_by(scans: pd.DataFrame) -> tuple[str, ...]:
    """The covariates that nearly all ``scans`` of both groups tell, and that differ among the controls."""
    found = []
    for name in COVARIATES:
        numbers = numbers_of(scans, name)
        groups = [numbers[(scans["group"] == group).to_numpy()] for group in ("hc", "tle")]
        known = [np.isfinite(g).mean() if len(g) else 0.0 for g in groups]
        if min(known) >= KNOWN and np.nanstd(groups[0]) > 0:
            found.append(name)
    return tuple(found)


def numbers_of(scans: pd.DataFrame, name: str) -> Floats:
    """A covariate as numbers (n,): years, 1 for a woman and 0 for a man, the logarithm of the head's size; or NaN."""
    if name not in scans:
        return np.full(len(scans), np.nan)
    if name == "sex":
        return scans["sex"].map({"F": 1.0, "M": 0.0}).to_numpy(np.float64)
    numbers = pd.to_numeric(scans[name], errors="coerce").to_numpy(np.float64)
    return np.log(numbers) if name == "head_size" else numbers


def _slopes(healthy: pd.DataFrame, covariates: tuple[str, ...], how: Resampling) -> Slopes | Json:
    """Slopes of every measure in the real controls, or why there are none."""
    if not covariates:
        return not_computed("the scans tell neither age nor sex nor the size of the head")
    columns = sorted({name for stratum in PATIENTS for name in measures(stratum)})
    x = _matrix(healthy, covariates)
    kept = np.isfinite(x).all(axis=1)
    if kept.sum() < LEAST_CONTROLS:
        names = ", ".join(WORDS[name] for name in covariates)
        return not_computed(f"{kept.sum()} real controls tell {names}; at least {LEAST_CONTROLS} are needed")
    y = healthy.loc[kept, columns].to_numpy(np.float64)
    found = coefficients(x[kept], y, times_drawn(int(kept.sum()), how))
    return Slopes(covariates, columns, found, int(kept.sum()))


def _of_cohort(table: pd.DataFrame, cohort: str, slopes: Slopes, how: Resampling) -> Json:
    """The effects of one cohort, and how its groups differ in the covariates."""
    result: Json = {"covariates": list(slopes.covariates), "controls": slopes.n}
    result["means"] = {
        name: {group: mean_interval(_finite(members(table, cohort, group), name), how) for group in ("hc", "tle")}
        for name in slopes.covariates
    }
    for stratum in PATIENTS:
        sides = _known(table, cohort, stratum, slopes)
        if isinstance(sides, dict):
            result[stratum] = sides
            continue
        columns = measures(stratum)
        patients, controls = (side[columns].to_numpy(np.float64) for side in sides)
        raw = effects(patients, controls, how)
        clean = _adjusted(*sides, columns, slopes, how)
        result[stratum] = {
            name: {"raw": raw.interval(m, how), "adjusted": clean.interval(m, how)} for m, name in enumerate(columns)
        }
    return result


def _compared(table: pd.DataFrame, stratum: str, slopes: Slopes, margin: float, how: Resampling) -> Json:
    columns, found = measures(stratum), []
    for cohort in COHORTS:
        sides = _known(table, cohort, stratum, slopes)
        if isinstance(sides, dict):
            return sides
        found.append(_adjusted(*sides, columns, slopes, how))
    return {name: equivalence(*found, m, margin, how) for m, name in enumerate(columns)}


def _adjusted(
    patients: pd.DataFrame, controls: pd.DataFrame, columns: list[str], slopes: Slopes, how: Resampling
) -> Drawn:
    """Effects of what the slopes leave; a draw resamples the scans, and takes slopes that were learnt in a draw."""
    places = [slopes.columns.index(name) for name in columns]
    both = pd.concat([patients, controls])
    values, x = both[columns].to_numpy(np.float64), _matrix(both, slopes.covariates)
    betas = slopes.values[:, :, places]  # (1 + B, K, M)
    return effects(values[: len(patients)], values[len(patients) :], how, removed=(x, betas))


def _known(table: pd.DataFrame, cohort: str, stratum: str, slopes: Slopes) -> tuple[pd.DataFrame, pd.DataFrame] | Json:
    """The patients of a stratum and the controls whose covariates are known, or why they are too few."""
    found = []
    for name in (stratum, "hc"):
        scans = members(table, cohort, name)
        scans = scans[np.isfinite(_matrix(scans, slopes.covariates)).all(axis=1)]
        if len(scans) < LEAST:
            return not_computed(f"{len(scans)} {cohort} scans of {name}; at least {LEAST} are needed")
        found.append(scans)
    return found[0], found[1]


def _matrix(scans: pd.DataFrame, covariates: tuple[str, ...]) -> Floats:
    return np.stack([numbers_of(scans, name) for name in covariates], axis=1)


def _finite(scans: pd.DataFrame, name: str) -> Floats:
    numbers = numbers_of(scans, name)
    return numbers[np.isfinite(numbers)]
