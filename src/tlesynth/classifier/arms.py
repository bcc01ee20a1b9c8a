"""Who trains each classifier: the real scans, the synthetic ones, or both at a ratio (paper, Table 4)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from tlesynth import durable
from tlesynth.data.cohort import Cohort
from tlesynth.errors import fail
from tlesynth.seeds import generator

RATIOS = {"real": 0.0, "synthetic": 1.0, "real+0.25": 0.25, "real+0.5": 0.5}
"""Synthetic scans per real training scan."""


@dataclass(frozen=True)
class Arm:
    """One training set: participants by origin, and how many synthetic scans were asked for."""

    name: str
    real: tuple[str, ...]
    synthetic: tuple[str, ...]
    synthetic_asked: int


def compose(name: str, real: pd.Series, synthetic: pd.Series, seed: int) -> Arm:
    """The arm ``name`` from the classes (by participant_id) of the real training set and of the synthetic cohort.

    Synthetic scans come in the class ratio of the real training set. Where a class has too few, both classes shrink
    by the same factor. The draw is a prefix of one permutation, so a smaller ratio's scans are a larger ratio's too.
    """
    classes = sorted(set(real))
    asked = {c: round(RATIOS[name] * int((real == c).sum())) for c in classes}
    share = min([1.0, *(int((synthetic == c).sum()) / asked[c] for c in classes if asked[c])])
    chosen = [i for c in classes for i in first_of(synthetic, c, int(share * asked[c] + 1e-9), seed, c)]
    kept = () if name == "synthetic" else tuple(sorted(real.index))
    return Arm(name, kept, tuple(sorted(chosen)), sum(asked.values()))


def first_of(classes: pd.Series, wanted: object, n: int, seed: int, *purpose: str | int) -> list[str]:
    """``n`` participants of the class ``wanted``: a prefix of one permutation under ``seed``, so that fewer are among
    more."""
    members = sorted(classes.index[classes == wanted])
    return [str(i) for i in generator(seed, "arm", *purpose).permutation(members)[:n]]


def refuse_synthetic(splits: Path, derivatives: Cohort, synthetic: Cohort) -> None:
    """Refuse a synthetic volume in val or test, by its name or, renamed, by its bytes.

    Raises:
        TlesynthError: DATA-013 naming the first one.
    """
    table = durable.read_table(splits)
    judged = table[table["split"].isin(["val", "test"])]["participant_id"]
    if named := sorted(set(judged) & set(synthetic.ids)):
        raise fail("DATA-013", splits, f"{named[0]} is synthetic")
    made = {durable.sha256(synthetic.volume_path(i)): i for i in synthetic.ids}
    for participant_id in sorted(set(judged) & set(derivatives.ids)):
        path = derivatives.volume_path(participant_id)
        if origin := made.get(durable.sha256(path)):
            raise fail("DATA-013", path, f"it is the synthetic {origin}")
