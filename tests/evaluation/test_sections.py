"""The reading of the truth, and the reference of the comparisons."""

from pathlib import Path

import numpy as np
import pandas as pd

from tlesynth import durable
from tlesynth.data.cohort import read_cohort
from tlesynth.evaluation import sections
from tlesynth.evaluation.measure import Measured
from tlesynth.recipe import Evaluation

from .conftest import Run

HOW = sections.Intervals(Evaluation(bootstrap=100, diversity_pairs=3), 1)


def test_without_a_truth_or_its_columns_there_is_a_reason(run: Run, tmp_path: Path) -> None:
    durable.write_table(tmp_path / "truth.tsv", pd.DataFrame({"participant_id": ["sub-1"], "other": [1]}))
    found = sections.morphometrics(Measured(empty(), np.zeros((0, 1))), tmp_path / "truth.tsv", HOW.of("x"))
    assert "hippocampus_left_mni_mm3" in found["truth"]["not_computed"]


def test_real_ids_are_those_of_the_split(run: Run) -> None:
    cohort = read_cohort(run.derivatives)
    inputs = sections.Inputs(cohort, None, None, {"test": ["sub-realtle5"], "val": ["sub-realhc3"]})
    assert inputs.real_ids("tle", ("test", "val")) == ["sub-realtle5"]
    assert inputs.real_ids("hc", ("test",)) == []


def empty() -> pd.DataFrame:
    names = ("participant_id", "cohort", "group", "side", "split", "left", "right", "asymmetry", "asymmetry_abs")
    return pd.DataFrame(columns=list(names))
