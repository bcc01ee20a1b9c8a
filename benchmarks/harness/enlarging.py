"""Cohorts of any size from few scans: the scans themselves, then bent copies of them, round after round.

They are as many volumes to read and to measure as so many people would be; what is measured on them means nothing.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from machine import tell

from tlesynth.data.cohort import Cohort, CohortWriter, read_cohort
from tlesynth.progress import track
from tlesynth.seeds import generator
from tlesynth.synthesis.baselines.deformation import bent

ABOUT = "Scans and randomly bent copies of them, to measure what their number costs"


def enlarged(cohort: Cohort, ids: list[str], n: int, out: Path, *, seed: int, prefix: str, own: bool) -> Cohort:
    """``n`` scans made of ``ids``: themselves first if they are to be the cohort's ``own``, then bent copies.

    What an earlier run wrote is kept.
    """
    writer = CohortWriter(out, cohort.grid, cohort.desc, "Enlarged cohort", ABOUT)
    rows = {}
    for place in track(range(n), f"writing {out.name}", n):
        source, turn = ids[place % len(ids)], place // len(ids)
        name = source if own and not turn else f"{prefix}{place + 1:04d}"
        rows[name] = cohort.participants.loc[source]
        if writer.has(name):
            continue
        volume = cohort.volume(source)
        if name != source:
            volume = bent(volume, cohort.grid, generator(seed, "benchmark", prefix, place))
        writer.write(name, volume, {"Turn": turn})
    writer.finish(pd.DataFrame(rows).T)
    return read_cohort(out)


def sources(cohort: Cohort, splits: pd.DataFrame) -> dict[str, str]:
    """The scans of ``cohort`` that stand in ``splits`` (participant_id, split), with their split."""
    told = dict(zip(splits["participant_id"], splits["split"], strict=True))
    if left := [i for i in cohort.ids if i not in told]:
        tell(f"{len(left)} scans stand in no split and are left out")
    return {i: told[i] for i in cohort.ids if i in told}


def in_proportion(table: pd.DataFrame, by: list[str], n: int) -> list[str]:
    """``n`` rows' names, every cell of the columns ``by`` in proportion; more rows include fewer rows."""
    cells = table.groupby(by, dropna=False)
    turn = (cells.cumcount() + 0.5) / cells[by[0]].transform("size")
    return [str(name) for name in table.index[turn.argsort(kind="stable")][:n]]
