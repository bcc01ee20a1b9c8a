"""``evaluate`` and ``report``: what a run's synthetic cohort is worth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tlesynth import recipe as recipes
from tlesynth.cli.lights import show
from tlesynth.cli.options import AsJson, Override, result
from tlesynth.errors import fail


def evaluate(
    folder: Annotated[
        Path, typer.Argument(metavar="RUN", help="Run folder whose stages up to train classifier are done.")
    ],
    given: Annotated[
        Path | None, typer.Option("--input", help="The run's BIDS cohort, if it was not simulated.")
    ] = None,
    judge_only: Annotated[
        bool, typer.Option("--judge-only", help="Give the lights anew from results that are there; measure nothing.")
    ] = False,
    override: Override = None,
    as_json: AsJson = False,
) -> None:
    """Measure the synthetic cohort of a run against its real one, and say in traffic lights what it is worth.

    Example: tlesynth evaluate my_run --judge-only --set evaluation.verdict.coverage=0.5
    """
    from tlesynth.pipeline import judging
    from tlesynth.pipeline.cohorts import kind_of
    from tlesynth.pipeline.stages import Context

    recipe = _recipe_of(folder, override)
    if judge_only:
        found = judging.judge(folder, recipe)
    else:
        context = Context(recipe, folder, given)
        found = judging.evaluate(folder, recipe, data=kind_of(context.cohort), truth=context.truth)
    made = {"results": str(folder / judging.RESULTS)}
    if as_json:
        lights = {name: light["light"] for name, light in found["verdict"]["lights"].items()}
        result(made | {"lights": lights}, as_json)
        return
    show(found["verdict"])
    result(made, as_json)


def report(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Page to write; RUN/report.html if left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write one self-contained HTML page from what a run has so far."""
    from tlesynth.report import build

    _recipe_of(folder)
    result({"report": str(build(folder, out or folder / "report.html"))}, as_json)


def _recipe_of(folder: Path, override: list[str] | None = None) -> recipes.Recipe:
    if not (folder / "recipe.yaml").is_file():
        raise fail("DATA-011", folder, "it holds no recipe.yaml")
    return recipes.load(folder / "recipe.yaml", override or [])
