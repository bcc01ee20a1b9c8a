"""The README's section as a user runs it: create, audit, rehearse, score, and the report."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tlesynth.cli import app
from tlesynth.errors import TlesynthError
from tlesynth.reader_study.create import Sources
from tlesynth.reader_study.study import REHEARSED
from tlesynth.report import build


@pytest.fixture(scope="module")
def run(cohorts: Sources, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with a rehearsed and scored study of pairs in it."""
    run = tmp_path_factory.mktemp("run")
    study = ["--real", cohorts.real, "--synthetic", cohorts.synthetic, "--splits", cohorts.splits]
    made = _told("create", *study, "--design", "2afc", "--n", 8, "--readers", 2, "--warm-up", 1, "--out", run / "s")
    assert "CANNOT show chance" in made.output and (run / "s.key.json").is_file()
    _told("rehearse", run / "s", "--d-prime", 2)
    _told("score", run / "s-rehearsal", "--key", run / "s.key.json", "--out", run / "study")
    return run


def _told(verb: str, *arguments: object) -> Result:
    told = CliRunner().invoke(app, ["study", verb, *map(str, arguments)], catch_exceptions=False)
    assert told.exit_code == 0, told.output
    return told


def test_the_score_is_where_the_report_looks(run: Path) -> None:
    found = json.loads((run / "study" / "score.json").read_text())
    assert found["about"]["banner"] == REHEARSED and found["all"]["share"]["readers"] == 2
    for name in ("readers.svg", "confidence.svg"):
        assert "<svg" in (run / "study" / name).read_text()


def test_the_report_has_the_study_and_says_that_it_is_a_rehearsal(run: Path) -> None:
    page = build(run, run / "report.html").read_text()
    assert 'id="reader-study"' in page and REHEARSED in page
    assert "No reader study is part of this report" not in page


def test_a_study_nobody_has_read_cannot_be_scored(run: Path) -> None:
    with pytest.raises(TlesynthError, match="STUDY-011"):
        _told("score", run / "s")


def test_the_audit_is_printed(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tlesynth.metrics.two_sample.PERMUTATIONS", 9)
    told = _told("audit", run / "s", "--json")
    assert json.loads(told.stdout.splitlines()[-1])["verdict"] == "passed"
