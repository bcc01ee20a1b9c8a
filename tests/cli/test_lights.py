"""The verdict on one screen of 80 by 24, with reasons where there are no figures, and as JSON."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tlesynth import durable, recipe
from tlesynth.cli import app
from tlesynth.cli.lights import limits_in_words

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
    assert "red   Anatomy after the autoencoder  -46.9 [-49.5, -44]       -2 to 2         24" in told.stdout
    assert "grey  Coverage of real heads         there is no synthetic cohort" in told.stdout
    assert "Of 14 lights: 1 shown to be bad, 13 not computed." in lines
    assert max(map(len, lines[:-1])) <= 80


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
