"""Where patients differ from controls: a t-map of T1 intensity, TLE minus controls, real and synthetic, compared.

Scans stream through sums on the 3 mm grid, so memory does not grow with their number. Two t-maps of the same disease
correlate far below 1 where scans are few; what is possible is told by two halves of the real scans, and a synthetic
set of the same size is held against it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tlesynth import interruption, volume
from tlesynth.data.cohort import Cohort
from tlesynth.data.resampling import WORK, on_work
from tlesynth.data.template import load_template
from tlesynth.evaluation.disease.strata import COHORTS, LEAST
from tlesynth.metrics.agreement import correlations
from tlesynth.metrics.statistics import Json, not_computed, rounded
from tlesynth.progress import track

CONTRASTS = {"tle": ("tle", "tle-left", "tle-right"), "tle-left": ("tle-left",), "tle-right": ("tle-right",)}
"""Cells that make up the patients of each map."""
CELLS = ("hc", *CONTRASTS["tle"])
"""Controls, and patients by side of focus (``tle``: no side told)."""
SPLITS = 8
"""Times that the real scans are halved."""
METHOD = "two-sample t of T1 intensity, patients minus controls, voxels of the template's brain at 3 mm"

Set: TypeAlias = tuple[str, str]
"""A set of scans: which (``real``, ``synthetic``, or a part such as ``half3a``) and of which cell."""
Maps: TypeAlias = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Sums:
    """Count, sum and sum of squares (V,) of a set of scans; sets add up."""

    n: int
    total: NDArray[np.float64]
    squares: NDArray[np.float64]

    def __add__(self, other: Sums) -> Sums:
        return Sums(self.n + other.n, self.total + other.total, self.squares + other.squares)


def compare_maps(table: pd.DataFrame, cohorts: Mapping[str, Cohort], rng: np.random.Generator) -> tuple[Json, Maps]:
    """The comparison of each contrast's maps as JSON, and the maps (X, Y, Z) on the 3 mm grid by ``real_tle`` etc.

    ``table`` has a row per scan (participant_id, cohort, group, side); ``cohorts`` holds its real and synthetic scans.
    """
    if missing := [c for c in COHORTS if c not in cohorts]:
        return not_computed(f"there is no {missing[0]} cohort", "tlesynth sample"), {}
    sets = _sets(table, rng)
    sums = _stream(table, cohorts, sets)
    result: Json = {"method": METHOD, "halvings": SPLITS}
    drawn: dict[str, NDArray[np.float64]] = {}
    for contrast in CONTRASTS:
        found = {cohort: _t_map(sums, cohort, contrast) for cohort in COHORTS}
        drawn |= {f"{cohort}_{contrast}": t for cohort, t in found.items() if t is not None}
        result[contrast] = _compared(sums, found, contrast)
    return result, {name: _on_grid(t) for name, t in drawn.items()}


def write_maps(out: Path, maps: Maps) -> None:
    """Write each map as ``tmap_<name>.nii.gz``."""
    for name, values in maps.items():
        about = f"tlesynth t-map, {name.replace('_', ' ')} minus controls"
        path = out / f"tmap_{name}.nii.gz"
        volume.write(path, values, WORK.affine, description=about, dtype="float32", mni=True)


def _sets(table: pd.DataFrame, rng: np.random.Generator) -> dict[Set, list[str]]:
    """Participants of every set: each cohort's cells, and for each halving two real halves and as many synthetic."""
    side = table["side"].where(table["side"].isin(["left", "right"]) & (table["group"] == "tle"))
    cell = table["group"].where(side.isna(), table["group"] + "-" + side.fillna(""))
    sets: dict[Set, list[str]] = {}
    for name in CELLS:
        ids = {c: list(table["participant_id"][(table["cohort"] == c) & (cell == name)]) for c in COHORTS}
        sets |= {(cohort, name): ids[cohort] for cohort in COHORTS}
        n = min(len(ids["real"]) // 2, len(ids["synthetic"]))
        for k in range(SPLITS):
            real, made = (list(rng.permutation(ids[cohort])) for cohort in COHORTS)
            sets |= {(f"half{k}a", name): real[:n], (f"half{k}b", name): real[n : 2 * n], (f"made{k}", name): made[:n]}
    return sets


def _stream(table: pd.DataFrame, cohorts: Mapping[str, Cohort], sets: dict[Set, list[str]]) -> dict[Set, Sums]:
    """One pass over the scans; each is added to every set that holds it."""
    holders: dict[str, list[int]] = {}
    for place, ids in enumerate(sets.values()):
        for participant_id in ids:
            holders.setdefault(participant_id, []).append(place)
    total, squares = np.zeros((2, len(sets), int(_brain().sum())))
    for participant_id, voxels in _scans(table[table["participant_id"].isin(list(holders))], cohorts):
        total[holders[participant_id]] += voxels
        squares[holders[participant_id]] += voxels**2
    return {key: Sums(len(ids), total[i], squares[i]) for i, (key, ids) in enumerate(sets.items())}


def _scans(table: pd.DataFrame, cohorts: Mapping[str, Cohort]) -> Iterator[tuple[str, NDArray[np.float32]]]:
    rows = list(zip(table["participant_id"], table["cohort"], strict=True))
    for participant_id, name in track(rows, "mapping the disease", len(rows)):
        interruption.check()
        cohort = cohorts[name]
        yield participant_id, on_work(cohort.volume(participant_id), cohort.grid)[_brain()]


def _t_map(sums: dict[Set, Sums], which: str, contrast: str) -> NDArray[np.float64] | None:
    """Student's t of the patients of ``which`` against its controls, (V,); None where either are too few."""
    first, *others = (sums[which, cell] for cell in CONTRASTS[contrast])
    patients, controls = sum(others, first), sums[which, "hc"]
    if min(patients.n, controls.n) < LEAST:
        return None
    within = [s.squares - s.total**2 / s.n for s in (patients, controls)]
    pooled = np.maximum(within[0] + within[1], 0) / (patients.n + controls.n - 2)
    gap = patients.total / patients.n - controls.total / controls.n
    error = np.sqrt(pooled * (1 / patients.n + 1 / controls.n))
    return np.where(error > 1e-9, gap / np.maximum(error, 1e-9), 0)


def _compared(sums: dict[Set, Sums], found: Mapping[str, NDArray[np.float64] | None], contrast: str) -> Json:
    n = {c: sum(sums[c, cell].n for cell in (*CONTRASTS[contrast], "hc")) for c in COHORTS}
    real, made = (found[c] for c in COHORTS)
    if real is None or made is None:
        return not_computed(
            f"fewer than {LEAST} patients or controls in the {'synthetic' if made is None else 'real'} set"
        )
    result: Json = {"correlation": rounded(float(correlations(real, made))), "n": n}
    pairs = {"real_to_real": ("half{}a", "half{}b"), "real_to_synthetic": ("half{}a", "made{}")}
    for name, (a, b) in pairs.items():
        maps = [[_t_map(sums, which.format(k), contrast) for which in (a, b)] for k in range(SPLITS)]
        halves = sum(sums[a.format(0), cell].n for cell in (*CONTRASTS[contrast], "hc"))
        r = [float(correlations(x, y)) for x, y in maps if x is not None and y is not None]
        result[name] = _range(r, 2 * halves)
    return result


def _range(found: list[float], n: int) -> Json:
    """Mean and range over halvings, of ``n`` subjects each."""
    if not found:
        return not_computed(f"half of the real scans are fewer than {LEAST} patients or controls")
    value, low, high = (rounded(float(f(found))) for f in (np.mean, np.min, np.max))
    return {"value": value, "low": low, "high": high, "n": n}


def _brain() -> NDArray[np.bool_]:
    return load_template(WORK).mask > 0


def _on_grid(values: NDArray[np.float64]) -> NDArray[np.float32]:
    voxels = np.zeros(WORK.shape, np.float32)
    voxels[_brain()] = values
    return voxels
