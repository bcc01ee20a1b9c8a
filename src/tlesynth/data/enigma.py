"""Effect sizes of temporal lobe epilepsy with sclerosis on real scans, and the same figure for any table of volumes.

Source of the numbers: ENIGMA-Epilepsy (Whelan et al., Brain 2018), as tabled by the ENIGMA Toolbox (BSD-3,
github.com/MICA-MNI/ENIGMA, d66a7ef: tlemtsl and tlemtsr, SubVol). About 410 and 336 patients, 1,412 and 1,286 controls.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from tlesynth.seeds import generator

WHERE = ("ipsi", "contra")
MEASURING_NOISE = 0.035
"""Coefficient of variation that segmenting a scan adds to a volume."""
ENIGMA = {
    # (Cohen's d, its standard error) in left TLE, and in right TLE; adjusted for age, sex and intracranial volume.
    ("hippocampus", "ipsi"): ((-1.728, 0.191), (-1.906, 0.150)),
    ("hippocampus", "contra"): ((-0.204, 0.144), (-0.169, 0.088)),
    ("thalamus", "ipsi"): ((-0.843, 0.126), (-0.727, 0.103)),
    ("thalamus", "contra"): ((-0.462, 0.117), (-0.472, 0.209)),
    ("amygdala", "ipsi"): ((-0.219, 0.094), (0.027, 0.121)),
    ("amygdala", "contra"): ((0.266, 0.091), (0.228, 0.080)),
    ("temporal_horn", "ipsi"): ((0.465, 0.089), (0.444, 0.065)),
    ("temporal_horn", "contra"): ((0.363, 0.093), (0.390, 0.081)),
}
"""The temporal horn stands beside ENIGMA's whole lateral ventricle, which is not modelled."""
STRUCTURES = tuple(dict.fromkeys(structure for structure, _ in ENIGMA))


def published(structure: str, where: str) -> tuple[float, float]:
    """ENIGMA's d and standard error, left and right TLE together (inverse-variance mean)."""
    values = np.array(ENIGMA[structure, where])
    weights = 1 / values[:, 1] ** 2
    return float((weights @ values[:, 0]) / weights.sum()), float(weights.sum() ** -0.5)


def measured(truth: pd.DataFrame, seed: int, noise: float = MEASURING_NOISE) -> pd.DataFrame:
    """Native volumes (mm3) as a segmentation would find them: the truth times exp(N(0, ``noise``)).

    Columns ``hippocampus_left`` ...; ``truth`` is a simulated cohort's truth table, one row a subject.
    """
    columns = [f"{structure}_{side}" for structure in STRUCTURES for side in ("left", "right")]
    exact = truth[[f"{name}_native_mm3" for name in columns]].to_numpy(float)
    error = generator(seed, "measuring").standard_normal(exact.shape)
    return pd.DataFrame(exact * np.exp(noise * error), index=truth.index, columns=columns)


def effect_sizes(people: pd.DataFrame, volumes: pd.DataFrame) -> pd.DataFrame:
    """Cohen's d of the patients with sclerosis against the controls, ipsi and contra, beside ENIGMA's.

    As ENIGMA: a linear model of the volume on diagnosis, age, sex and head size with an intercept for each site, left
    and right TLE apart, then their inverse-variance mean. ``people`` has group, side, hs, age, sex, site and icv_ml;
    ``volumes`` is from ``measured``. Columns: structure, where, n, d, se, enigma_d, enigma_se.
    """
    rows = []
    for structure, where in ENIGMA:
        found = [_of_one_side(people, volumes, structure, where, side) for side in ("left", "right")]
        found = [pair for pair in found if np.isfinite(pair).all()]
        if not found:
            continue
        values = np.array(found)
        weights = 1 / values[:, 1] ** 2
        d, se = (weights @ values[:, 0]) / weights.sum(), weights.sum() ** -0.5
        real, error = published(structure, where)
        rows.append((structure, where, float(d), float(se), real, error))
    return pd.DataFrame(rows, columns=["structure", "where", "d", "se", "enigma_d", "enigma_se"])


def _of_one_side(
    people: pd.DataFrame, volumes: pd.DataFrame, structure: str, where: str, side: str
) -> tuple[float, float]:
    """d and its standard error for a focus on ``side``; NaN with fewer than three patients or controls."""
    other = "right" if side == "left" else "left"
    sick = ((people["side"] == side) & (people["hs"] == "yes")).to_numpy()
    healthy = (people["group"] == "hc").to_numpy()
    if min(sick.sum(), healthy.sum()) < 3:
        return float("nan"), float("nan")
    used = sick | healthy
    chosen = people[used]
    columns = [sick[used], chosen["age"], chosen["sex"] == "F", chosen["icv_ml"]]
    sites = [chosen["site"] == site for site in chosen["site"].unique()]
    design = np.stack([np.asarray(column, float) for column in (*columns, *sites)], axis=1)
    design[:, [1, 3]] -= design[:, [1, 3]].mean(axis=0)
    design = np.nan_to_num(design)  # an age that is not known anywhere explains nothing
    value = volumes.loc[used, f"{structure}_{side if where == 'ipsi' else other}"].to_numpy(float)
    fitted, _, rank, _ = np.linalg.lstsq(design, value, rcond=None)
    spread = np.sqrt(np.sum((value - design @ fitted) ** 2) / max(len(value) - rank, 1))
    return _with_error(float(fitted[0] / spread), int(sick.sum()), int(healthy.sum()))


def _with_error(d: float, n_sick: int, n_healthy: int) -> tuple[float, float]:
    total = n_sick + n_healthy
    return d, float(np.sqrt(total / (n_sick * n_healthy) + d**2 / (2 * total)))
