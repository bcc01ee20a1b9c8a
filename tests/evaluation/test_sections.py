"""The reading of the truth, and the reference of the comparisons."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tlesynth import durable
from tlesynth.data.cohort import read_cohort
from tlesynth.evaluation import sections
from tlesynth.evaluation.measure import Measured
from tlesynth.metrics.fidelity import Fidelity
from tlesynth.recipe import Evaluation

from .conftest import Run

HOW = sections.Intervals(Evaluation(bootstrap=100, diversity_pairs=3), 1)


def test_a_scan_without_a_region_is_left_out_of_its_mean_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [f"sub-{number}" for number in range(4)]
    people = pd.DataFrame({"group": "hc"}, index=ids)
    cohort = SimpleNamespace(ids=ids, participants=people, grid=None, volume=ids.index)
    nothing = float("nan")
    monkeypatch.setattr(
        sections, "fidelity", lambda x, *_: Fidelity(0.5, 0.25, nothing if x == 0 else 0.125, 30, 20, 1)
    )
    monkeypatch.setattr(sections, "_network", lambda _: {"not_computed": "no weights"})
    monkeypatch.setattr(sections, "_reconstruction_fid", lambda *_: {})
    inputs = sections.Inputs(cohort, cohort, None, {"test": ids})  # ty: ignore[invalid-argument-type]
    found, table = sections.reconstruction(inputs, HOW.of("x"))
    assert found["hippocampus_l1"] == {"value": 0.125, "low": 0.125, "high": 0.125, "n": 3}
    assert found["brain"]["l1"]["n"] == 4 and table["l1_hippocampus"].isna().tolist() == [True, False, False, False]


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
