"""A run of a simulated cohort rehearses a reader study; where there are too few scans it says so and goes on."""

from pathlib import Path

import pytest
from phantom_cohorts import write_cohorts

from tlesynth import durable, recipe
from tlesynth.pipeline.rehearsing import rehearse_study
from tlesynth.pipeline.stages import Context, stages_of
from tlesynth.reader_study.study import REHEARSED
from tlesynth.report import build
from tlesynth.report.reader_study import limitation
from tlesynth.report.sources import Files

ASKED = recipe.load("tiny", ["rehearsal.readers=2", "rehearsal.n=12", "rehearsal.d_prime=4"])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("whole") / "run"
    write_cohorts(run, "derivatives", "synthetic")
    return run


def test_the_rehearsal_is_made_scored_and_in_the_report_under_its_own_name(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tlesynth.metrics.two_sample.PERMUTATIONS", 9)
    rehearse_study(run, run / "rehearsal", ASKED)
    found = durable.read_json(run / "rehearsal" / "score.json")
    assert found["about"]["banner"] == REHEARSED and found["about"]["cases"] == 12
    assert found["all"]["auc"]["value"] > 0.8 and "auc" in found["machine_reader"]
    assert not (run / "rehearsal" / "reading").exists()
    page = build(run, run / "report.html").read_text()
    assert REHEARSED in page and 'data-source="rehearsal/score.json#/all/auc/value"' in page


def test_too_few_scans_are_no_reason_to_end_a_run(run: Path, tmp_path: Path) -> None:
    few = durable.read_table(run / "splits.tsv")
    few["split"] = "gen_train"
    few.loc[0, "split"] = "test"
    for name in ("derivatives", "synthetic"):
        (tmp_path / name).symlink_to(run / name)
    durable.write_table(tmp_path / "splits.tsv", few)
    rehearse_study(tmp_path, tmp_path / "rehearsal", ASKED)
    assert "STUDY-002" in durable.read_json(tmp_path / "rehearsal" / "score.json")["not_computed"]
    assert "Nor could one be rehearsed" in limitation(Files(tmp_path))
    assert "Nor could one be rehearsed" in build(tmp_path, tmp_path / "report.html").read_text()


def test_only_a_simulated_cohort_is_rehearsed(tmp_path: Path) -> None:
    demo = recipe.load("demo")
    names = [[stage.name for stage in stages_of(Context(demo, tmp_path, given))] for given in (None, tmp_path)]
    assert ["rehearse" in part and "simulate" in part for part in names] == [True, False]
    assert "rehearse" not in [stage.name for stage in stages_of(Context(recipe.load("paper"), tmp_path))]
