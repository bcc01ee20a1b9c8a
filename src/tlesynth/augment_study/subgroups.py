"""Whom does it help? The ranking and its difference within parts of the test scans, where they are large enough.

Patients of one side, or with or without sclerosis, are each compared with all controls; site, sex and age band part
both classes. ``untouched`` are the scans that no choice of the generator met: its checkpoint was chosen on val.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tlesynth.augment_study.comparing import interval
from tlesynth.augment_study.resampling import RANKING, Draws, figures
from tlesynth.augment_study.verdicts import Flags, Subjects, Verdicts
from tlesynth.metrics.statistics import Json, Resampling, not_computed

OF_PATIENTS = ("side", "hs")
OF_BOTH = ("site", "sex")
BANDS = 3


@dataclass(frozen=True, eq=False)
class Part:
    """Some of the subjects, (N,) bool, by what they have in common."""

    column: str
    value: str
    chosen: Flags


def parts_of(subjects: Subjects, untouched: set[str]) -> Iterator[Part]:
    """Every part that the table knows."""
    table, positive = subjects.table, subjects.positive
    for column in (*OF_PATIENTS, *OF_BOTH):
        values = table[column].astype(object) if column in table else pd.Series(dtype=object)
        for value in sorted({str(v) for v in values.dropna()}):
            here = (values == value).to_numpy()
            yield Part(column, value, here | ~positive if column in OF_PATIENTS else here)
    yield from _age_bands(subjects)
    yield Part("untouched", "by any choice of the generator", table.index.isin(list(untouched)))


def _age_bands(subjects: Subjects) -> Iterator[Part]:
    if "age" not in subjects.table:
        return
    age = pd.to_numeric(subjects.table["age"], errors="coerce").to_numpy(float)
    known = age[np.isfinite(age)]
    if len(known) < BANDS:
        return
    edges = np.quantile(known, np.linspace(0, 1, BANDS + 1))
    for number, (low, high) in enumerate(zip(edges[:-1], edges[1:], strict=True), 1):
        inside = (age >= low) & ((age < high) | (number == BANDS) & (age <= high))
        yield Part("age", f"{low:.0f} to {high:.0f} years", inside)


def subgroups(
    arms: Mapping[str, tuple[Verdicts, ...]],
    subjects: Subjects,
    draws: Draws,
    how: Resampling,
    *,
    least: int,
    untouched: set[str],
) -> list[Json]:
    """AUC of each arm, and ``chosen`` minus ``rival``, within every part that has ``least`` subjects of each class."""
    rows = []
    for part in parts_of(subjects, untouched):
        n1, n0 = (int((part.chosen & side).sum()) for side in (subjects.positive, ~subjects.positive))
        row: Json = {"part": part.column, "value": part.value, "positive": n1, "negative": n0}
        if min(n1, n0) < least:
            row |= not_computed(f"{n1} and {n0} scans of the two classes; at least {least} of each are needed")
        else:
            row |= ranked(arms, subjects, draws.among(part.chosen), n1 + n0, how)
        rows.append(row)
    return rows


def ranked(arms: Mapping[str, tuple[Verdicts, ...]], subjects: Subjects, draws: Draws, n: int, how: Resampling) -> Json:
    """AUC of each of ``arms`` on the drawn subjects, and the difference of ``chosen`` to ``rival``."""
    found = {name: figures(verdicts, subjects, draws, RANKING)["auc_roc"] for name, verdicts in arms.items()}
    told: Json = {"auc_roc": {name: interval(values, n, how) for name, values in found.items()}}
    return told | {"difference": interval(found["chosen"] - found["rival"], n, how)}
