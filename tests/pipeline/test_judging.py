"""The augmentation study counts in the lights as long as it is of the run's own synthetic scans."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_study import made_ledger

from tlesynth import durable, recipe
from tlesynth.data.cohort import CohortWriter, read_cohort
from tlesynth.data.volume_cache import key_of
from tlesynth.errors import TlesynthError
from tlesynth.pipeline import judging
from tlesynth.volume import GRIDS

GRID = GRIDS["mni-3mm"]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run with results, one synthetic scan and a finished study of it."""
    writer = CohortWriter(tmp_path / "synthetic", GRID, "synthetic", "made", "made")
    writer.write("sub-syn1", np.full(GRID.shape, 0.5, np.float32), {})
    writer.finish(pd.DataFrame({"group": ["hc"]}, index=["sub-syn1"]))
    key = key_of(read_cohort(tmp_path / "synthetic"))
    durable.write_json(tmp_path / "augmentation/plan.json", {"inputs": {"cohorts": {"synthetic": key}}})
    durable.write_json(tmp_path / "augmentation/ledger.json", made_ledger())
    durable.write_json(tmp_path / "evaluation/results.json", {})
    return tmp_path


def test_the_study_counts(run: Path) -> None:
    light = judging.judge(run, recipe.load("tiny"))["verdict"]["lights"]["usefulness"]
    assert light["light"] == "green" and light["figures"][0]["source"].startswith("augmentation/ledger.json#")
    assert judging.verdict_of(run)["lights"]["usefulness"] == light


def test_a_study_of_other_scans_does_not(run: Path) -> None:
    durable.write_json(run / "augmentation/plan.json", {"inputs": {"cohorts": {"synthetic": "other"}}})
    light = judging.judge(run, recipe.load("tiny"))["verdict"]["lights"]["unseen_sites"]
    assert light["light"] == "grey" and "other synthetic scans" in light["sentence"]


def test_a_study_of_the_side_says_nothing_of_tle(run: Path) -> None:
    durable.write_json(run / "augmentation/ledger.json", made_ledger(task="side"))
    found = judging.judge(run, recipe.load("tiny"))["verdict"]["lights"]
    assert found["unseen_sites"]["light"] == "grey" and "another task (side)" in found["unseen_sites"]["sentence"]
    assert not any(f["source"].startswith("augmentation/") for f in found["usefulness"]["figures"])


@pytest.mark.parametrize("name", ["plan", "ledger"])
@pytest.mark.parametrize("held", [[], {}, 3, {"inputs": []}, {"primary": {"network": "cnn3d"}}, {"networks": 1}])
def test_a_damaged_study_is_named(run: Path, name: str, held: object) -> None:
    durable.write_json(run / f"augmentation/{name}.json", held)
    with pytest.raises(TlesynthError, match=rf"DATA-001.*{name}.json.*it has no /"):
        judging.judge(run, recipe.load("tiny"))


def test_limits_may_change_and_what_was_measured_may_not(run: Path) -> None:
    own = recipe.load("tiny")
    other = recipe.load("tiny", ["evaluation.verdict.site_loss=0.4"])
    assert judging.judge_anew(run, other, own)["verdict"]["limits"]["site_loss"] == 0.4
    with pytest.raises(TlesynthError, match="bootstrap"):
        judging.judge_anew(run, recipe.load("tiny", ["evaluation.bootstrap=123"]), own)


def test_without_a_study_there_is_none(tmp_path: Path) -> None:
    assert judging.study_of(tmp_path) is None and not judging.measured(tmp_path)
