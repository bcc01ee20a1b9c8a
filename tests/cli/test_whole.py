"""``run`` and ``demo`` end with the lights, as ``evaluate`` does."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tlesynth import durable, pipeline, recipe
from tlesynth.cli import app
from tlesynth.evaluation.verdict import verdict
from tlesynth.pipeline import Context, Outcome


@pytest.fixture
def finished(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that leave results in which one light is known."""

    def run_stages(context: Context, *, replace: bool = False) -> Outcome:
        bias = {"value": -46.9, "low": -49.5, "high": -44.0, "n": 24}
        results = {"reconstruction": {"hippocampus_bias": {"mean": bias}}}
        judged = verdict(results, context.recipe.evaluation, context.recipe.privacy)
        durable.write_json(context.out / "evaluation" / "results.json", results | {"verdict": judged})
        return Outcome(context.out / "report.html", context.out / "synthetic", 1, 3.0)

    monkeypatch.setattr(pipeline, "run_stages", run_stages)


def test_a_run_ends_with_its_lights_and_its_exit_status_stays(finished: None, tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["run", "tiny", "--out", str(tmp_path)])
    assert told.exit_code == 4, "a scan was left out"
    assert "red   Anatomy after the autoencoder  -46.9 [-49.5, -44]" in told.stdout
    lines = told.stdout.splitlines()
    *rest, report, _, _ = lines[lines.index("Of 14 lights: 1 shown to be bad, 13 not computed.") + 1 :]
    assert rest and rest[0].startswith("For the rest: tlesynth "), "what would compute them, and nothing else"
    assert report.startswith("report ") and lines[-1].split() == ["scans", "left", "out", "1"]


def test_for_machines_they_are_json(finished: None, tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["demo", "--out", str(tmp_path), "--json"])
    found = json.loads(told.stdout)
    assert found["lights"]["reconstruction"] == "red" and len(found["lights"]) == 14
    assert recipe.load("demo").name == "demo"
