"""The same scan under two ids, as stored, edited or mirrored: found before the split, so that it cannot leak.

Equal voxels of the native scans give it away at once. Else two brains that correlate by more than 0.995 after the
affine are one: different brains correlated by at most 0.77 (29 and 48 real ones, 40 simulated), after smoothing by
10 mm by at most 0.94. The pairs to look at come from thumbnails of 6 mm (a matrix product), each is then confirmed on
the full grid.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tlesynth import durable
from tlesynth.data.cohort import Cohort, thumbnail
from tlesynth.data.template import load_template

SAME, SAME_MIRRORED, SUSPECT = 0.995, 0.98, 0.97
"""Correlation on the full grid that makes two scans one, and on thumbnails that makes them worth a look. A mirrored
brain is registered anew and lands a little elsewhere: a real one reached 0.991."""
BLOCK = 512
COLUMNS = ("first", "second", "how", "correlation", "first_group", "second_group")


@dataclass(frozen=True)
class Duplicate:
    """Two participants with one scan: ``how`` is voxels, correlation or mirrored."""

    first: str
    second: str
    how: str
    correlation: float


def find_duplicates(cohort: Cohort, brains: np.ndarray) -> list[Duplicate]:
    """Every pair of participants that is one scan; ``brains`` are their thumbnails (N, 28, 34, 28), in order."""
    ids = cohort.ids
    found = {(a, b): Duplicate(a, b, "voxels", 1.0) for a, b in _equal_voxels(cohort)}
    inside = _inside(cohort)
    for row, column, mirrored in suspects(brains[:, inside], brains[:, ::-1][:, inside]):
        pair = (ids[row], ids[column])
        if pair in found:
            continue
        r = _confirmed(cohort, *pair, mirrored=mirrored)
        if r > (SAME_MIRRORED if mirrored else SAME):
            found[pair] = Duplicate(*pair, "mirrored" if mirrored else "correlation", round(r, 4))
    return [found[pair] for pair in sorted(found)]


def suspects(brains: np.ndarray, mirrors: np.ndarray) -> Iterator[tuple[int, int, bool]]:
    """Pairs (row, column, mirrored) of ``brains`` (N, V) that correlate by more than 0.97, in blocks of rows."""
    plain, turned = _standard(brains), _standard(mirrors)
    for start in range(0, len(plain), BLOCK):
        rows = plain[start : start + BLOCK]
        for others, mirrored in ((plain, False), (turned, True)):
            close = np.argwhere(rows @ others[start:].T > SUSPECT)
            for row, column in close[close[:, 1] > close[:, 0]] + start:
                yield int(row), int(column), mirrored


def as_table(duplicates: list[Duplicate], groups: pd.Series) -> pd.DataFrame:
    """The pairs with their groups, for people to look at."""
    rows = [(d.first, d.second, d.how, d.correlation, groups[d.first], groups[d.second]) for d in duplicates]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _equal_voxels(cohort: Cohort) -> list[tuple[str, str]]:
    """Pairs whose native scans hold the same voxels, by the hashes that preprocessing left."""
    holders: dict[str, list[str]] = defaultdict(list)
    for name in cohort.ids:
        path = cohort.volume_path(name)
        sidecar = path.with_name(path.name.replace(".nii.gz", ".json"))
        if sidecar.is_file() and (known := durable.read_json(sidecar).get("VoxelHash")):
            holders[known].append(name)
    return [(names[0], other) for names in holders.values() for other in names[1:]]


def _inside(cohort: Cohort) -> np.ndarray:
    """Where the template's brain lies in a thumbnail, on both sides alike: (28, 34, 28) bool."""
    mask = thumbnail(load_template(cohort.grid).mask, cohort.grid) > 0.5
    return mask | mask[::-1]


def _standard(rows: np.ndarray) -> np.ndarray:
    """Rows (N, V) with mean 0 and norm 1, so that their products are correlations."""
    centred = rows.astype(np.float32) - rows.mean(axis=1, keepdims=True, dtype=np.float32)
    return centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12)


def _confirmed(cohort: Cohort, first: str, second: str, *, mirrored: bool) -> float:
    """Pearson's r of two brains on the full grid, where both have voxels."""
    one, other = cohort.volume(first), cohort.volume(second)
    other = other[::-1] if mirrored else other
    both = (one > 0) & (other > 0)
    if both.sum() < 2 or not (np.ptp(one[both]) and np.ptp(other[both])):
        return 0.0
    return float(np.corrcoef(one[both], other[both])[0, 1])
