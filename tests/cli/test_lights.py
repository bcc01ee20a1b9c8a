"""The verdict on one screen of 80 by 24, with reasons where there are no figures, and as JSON."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tlesynth import durable, recipe
from tlesynth.cli import app
from tlesynth.cli.lights import limits_in_words
from tlesynth.errors import TlesynthError
from tlesynth.pipeline import judging

MISSING = {"not_computed": "there is no synthetic cohort", "command": "tlesynth sample"}
TOO_SMALL = {"value": -46.8616, "low": -49.5025, "high": -43.9572, "n": 24}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    durable.write_text(tmp_path / "recipe.yaml", recipe.dump(recipe.load("tiny")))
    results = {"reconstruction": {"hippocampus_bias": {"mean": TOO_SMALL}}, "generation": MISSING}
    durable.write_json(tmp_path / "evaluation" / "results.json", results)
    return tmp_path


def test_one_screen_says_what_is_known_and_why_the_rest_is_not(run: Path) -> None:
    told = CliRunner().invoke(app, ["evaluate", str(run), "--judge-only"])
    lines = told.stdout.splitlines()
    assert told.exit_code == 0
    assert "red   Anatomy after the autoencoder  -46.9 [-49.5, -44]      -2 to 2          24" in told.stdout
    assert "grey  Coverage of real heads         there is no synthetic cohort" in told.stdout
    assert "Of 14 lights: 1 shown to be bad, 13 not computed." in lines
    assert "For the rest: tlesynth sample; tlesynth evaluate; tlesynth train classifier;" in lines
    fits_one_screen(lines)


def fits_one_screen(lines: list[str]) -> None:
    """80 columns, the path below left out: it is as long as the user made it; and 24 lines, with the path's."""
    assert max(map(len, lines[:-1])) <= 80
    assert len(lines) <= 24


FIGURE = {"value": -0.0123456, "low": -0.0456789, "high": 12345.678, "n": 123456}
LONG = {"not_computed": "a reason that goes on " * 9, "command": "tlesynth train classifier --set classifier.task=tle"}


@pytest.mark.parametrize("part", [FIGURE, LONG, {"not_computed": "it was not asked"}, [], "a word", 7, None])
def test_every_state_fits_one_screen(tmp_path: Path, part: object) -> None:
    """Every figure of every light the same: there, refused, or no figure at all."""
    durable.write_text(tmp_path / "recipe.yaml", recipe.dump(recipe.load("tiny")))
    durable.write_json(tmp_path / "evaluation" / "results.json", {})
    lights = judging.judge(tmp_path, recipe.load("tiny"))["verdict"]["lights"]
    results: dict[str, Any] = {}
    for figure in (figure for light in lights.values() for figure in light["figures"]):
        *above, last = figure["source"].rpartition("#")[2].split("/")[1:]
        inner = results
        for key in above:
            inner = inner.setdefault(key, {})
        inner[last] = part
    durable.write_json(tmp_path / "evaluation" / "results.json", results)
    told = CliRunner().invoke(app, ["evaluate", str(tmp_path), "--judge-only"])
    assert told.exit_code == 0, told.output
    lines = told.stdout.splitlines()
    assert sum(line.startswith(("green", "amber", "red", "grey")) for line in lines) == 14
    fits_one_screen(lines)


def test_a_command_is_printed_once_and_a_long_reason_is_cut(run: Path) -> None:
    durable.write_json(run / "evaluation/results.json", dict.fromkeys(("reconstruction", "generation"), LONG))
    told = CliRunner().invoke(app, ["evaluate", str(run), "--judge-only"]).stdout
    assert told.count("--set classifier.task=tle") == 1
    assert "grey  Coverage of real heads         a reason that goes on a reason that goes o…" in told


@pytest.mark.parametrize("held", ["[]", "3", "null", '"words"', "{", ""])
def test_results_that_hold_no_sections_are_an_error_and_no_bug(run: Path, held: str) -> None:
    (run / "evaluation/results.json").write_text(held)
    told = CliRunner().invoke(app, ["evaluate", str(run), "--judge-only"])
    assert isinstance(told.exception, TlesynthError) and told.exception.code == "DATA-001"


@pytest.mark.parametrize("change", ["bootstrap=500", "confidence=0.9", "equivalence_margin=0.4", "diversity_pairs=9"])
def test_what_only_measuring_applies_is_refused(run: Path, change: str) -> None:
    told = CliRunner().invoke(app, ["evaluate", str(run), "--judge-only", "--set", f"evaluation.{change}"])
    assert isinstance(told.exception, TlesynthError) and told.exception.code == "CFG-002"
    assert change.partition("=")[0] in str(told.exception) and "--judge-only" in str(told.exception)


@pytest.mark.parametrize("change", ["privacy.planted=72", "sample.steps=9", "seed=5", "privacy.most_nearer=0.9"])
def test_what_belongs_to_another_stage_is_refused(run: Path, change: str) -> None:
    before = (run / "evaluation/results.json").read_bytes()
    told = CliRunner().invoke(app, ["evaluate", str(run), "--judge-only", "--set", change])
    assert isinstance(told.exception, TlesynthError) and told.exception.code == "CFG-002"
    assert str(told.exception).find(f"not {change.partition('=')[0]}") > 0
    assert (run / "evaluation/results.json").read_bytes() == before
    ruled = CliRunner().invoke(app, ["evaluate", str(run), "--judge-only", "--set", "privacy.most_copies=0.2"])
    assert ruled.exit_code == 0


def test_results_measured_with_a_change_are_judged_with_it(run: Path) -> None:
    results = durable.read_json(run / "evaluation/results.json")
    measured = recipe.load("tiny", ["evaluation.equivalence_margin=0.2"]).evaluation.measured.model_dump(mode="json")
    durable.write_json(run / "evaluation/results.json", results | {"about": {"measured": measured}})
    for extra in ([], ["--set", "evaluation.equivalence_margin=0.2"]):
        assert CliRunner().invoke(app, ["evaluate", str(run), "--judge-only", *extra]).exit_code == 0
        limits = durable.read_json(run / "evaluation/results.json")["verdict"]["limits"]
        assert limits["equivalence_margin"] == 0.2, "the margin of the table of effects"


def test_a_folder_that_is_not_there_is_called_that(tmp_path: Path) -> None:
    for folder, why in ((tmp_path / "nowhere", "there is no such folder"), (tmp_path, "it holds no recipe.yaml")):
        told = CliRunner().invoke(app, ["evaluate", str(folder)])
        assert isinstance(told.exception, TlesynthError) and why in str(told.exception)


def test_limits_may_be_given_and_json_stays_json(run: Path) -> None:
    command = ["evaluate", str(run), "--judge-only", "--json", "--set", "evaluation.verdict.hippocampus_bias=60"]
    told = CliRunner().invoke(app, command)
    found = json.loads(told.stdout)
    assert found["lights"]["reconstruction"] == "green" and found["results"].endswith("evaluation/results.json")
    assert durable.read_json(run / "evaluation/results.json")["verdict"]["limits"]["hippocampus_bias"] == 60


@pytest.mark.parametrize(
    ("limits", "words"), [([None, 3.0], "at most 3"), ([0.6, None], "at least 0.6"), ([-0.03, 0.03], "-0.03 to 0.03")]
)
def test_limits_in_words(limits: list[float | None], words: str) -> None:
    assert limits_in_words(limits) == words
