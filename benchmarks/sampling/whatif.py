"""Counterfactuals against the planted truth: healthy heads asked to be ill, beside the same heads with planted TLE.

The simulator drew the disease into real heads, so that for each there is a scan before and after. The model is asked
for the side that was planted; how it changes the hippocampi is compared with what was planted, and with what the same
measure sees between the two scans.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import trained
from machine import publish
from pictures import write_rows
from timing import Load

from tlesynth import durable
from tlesynth.data.anatomy import SIDES
from tlesynth.data.cohort import Cohort, read_cohort
from tlesynth.data.hippocampus import hippocampi
from tlesynth.metrics.statistics import Json, Resampling, mean_interval
from tlesynth.seeds import generator
from tlesynth.synthesis.counterfactual import DIFFERENCES, counterfactuals
from tlesynth.synthesis.synthesizer import Synthesizer
from tlesynth.volume import read

ABOUT = "counterfactuals of healthy heads beside the same heads with planted TLE"
SHOWN = 3
FIGURES = ("planted", "measured", "ipsilateral", "contralateral", "identity", "round_trip", "inside_over_outside")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this part."""
    parser.add_argument("healthy", type=Path, help="preprocessed heads without the disease")
    parser.add_argument("planted", type=Path, help="the same, preprocessed after simulate --from planted TLE")
    parser.add_argument("truth", type=Path, help="truth.tsv of simulate")
    parser.add_argument("--work", type=Path, required=True, help="folder for the counterfactuals")
    parser.add_argument("--guidance", type=float, default=1.0)
    trained.arguments(parser, sampler="heun", steps=50)


def run(given: argparse.Namespace, out: Path) -> None:
    """Ask what if of every healthy head, compare, publish; the picture lies beside the figures."""
    healthy, planted = read_cohort(given.healthy), read_cohort(given.planted)
    truth = durable.read_table(given.truth).set_index("participant_id")
    models = trained.models_of(given, given.guidance)
    with Load() as load:
        rows = [_one(name, healthy, planted, truth, models, given.work) for name in healthy.ids]
    table = pd.DataFrame(rows).set_index("participant_id")
    how = Resampling(2000, 0.95, generator(given.seed, "benchmark", "whatif"))
    figures: Json = {name: mean_interval(table[name].dropna().to_numpy(np.float64), how) for name in FIGURES}
    publish("whatif", {"definitions": DEFINITIONS, "figures": figures, "rows": rows, "load": load.result()}, out)
    write_rows(_shown(healthy, planted, table, given.work), healthy.grid, out.with_suffix(".webp"))


DEFINITIONS = {
    "planted": "change of the hippocampus on the side of the disease that the simulator planted, percent",
    "measured": "the same as the measure sees it between the two scans",
    "ipsilateral": "the same as the measure sees it between reconstruction and counterfactual",
    "contralateral": "that of the other side",
    "identity": "correlation of reconstruction and counterfactual outside the mesial temporal lobes",
    "round_trip": "mean absolute difference after going there and back, on [0, 1]",
    "inside_over_outside": "mean absolute change inside the mesial temporal lobes over that outside",
}


def _one(
    name: str, healthy: Cohort, planted: Cohort, truth: pd.DataFrame, models: Synthesizer, work: Path
) -> dict[str, object]:
    side = str(truth.at[name, "side"])
    (other,) = set(SIDES) - {side}
    told = {"group": "tle", "side": side}
    row = counterfactuals(models, healthy.root, [name], told, {"group": "hc"}, work / name).iloc[0]
    before, after = (hippocampi(cohort.volume(name), cohort.grid) for cohort in (healthy, planted))
    seen = 100 * (getattr(after, side) / getattr(before, side) - 1) if before and after else None
    return {
        "participant_id": name,
        "side": side,
        "planted": 100 * (float(truth.at[name, f"ratio_hippocampus_{side}"]) - 1),
        "measured": seen,
        "ipsilateral": row[f"{side}_change_percent"],
        "contralateral": row[f"{other}_change_percent"],
        "identity": row["identity"],
        "round_trip": row["round_trip"],
        "inside_over_outside": row["change_inside"] / row["change_outside"] if row["change_outside"] else None,
    }


def _shown(healthy: Cohort, planted: Cohort, table: pd.DataFrame, work: Path) -> dict[str, list[np.ndarray]]:
    ids = list(table.index[:SHOWN])
    asked = [read_cohort(work / name).volume(name) for name in ids]
    changes = [read(next((work / name / DIFFERENCES).rglob("*.nii.gz"))).voxels for name in ids]
    return {
        "healthy": [healthy.volume(name) for name in ids],
        f"asked for TLE ({', '.join(table.loc[ids, 'side'])})": asked,
        "planted TLE": [planted.volume(name) for name in ids],
        "change, ten times": [np.abs(10 * change) for change in changes],
    }
