"""A run is measured once: results that are there are only judged anew."""

from pathlib import Path
from typing import Any

import pytest

from tlesynth import durable, recipe
from tlesynth.pipeline import cohorts, judging
from tlesynth.pipeline.stages import Context, evaluate


def test_results_that_are_there_are_judged_and_not_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(judging, "evaluate", lambda out, recipe, **named: calls.append(named))
    monkeypatch.setattr(cohorts, "kind_of", lambda cohort: "simulated")
    context = Context(recipe.load("tiny"), tmp_path)
    evaluate(context)
    assert calls == [{"data": "simulated", "truth": None}]
    durable.write_json(tmp_path / judging.RESULTS, {"diversity": {}})
    evaluate(context)
    assert len(calls) == 1
    found = durable.read_json(tmp_path / judging.RESULTS)
    assert found["verdict"]["counts"]["grey"] == 13 and found["diversity"] == {}
