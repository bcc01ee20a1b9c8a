"""``evaluate`` and ``report``: what a run's synthetic cohort is worth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tlesynth import recipe as recipes
from tlesynth.cli.options import AsJson, result
from tlesynth.errors import fail


def evaluate(
    folder: Annotated[
        Path, typer.Argument(metavar="RUN", help="Run folder whose stages up to train classifier are done.")
    ],
    given: Annotated[
        Path | None, typer.Option("--input", help="The run's BIDS cohort, if it was not simulated.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure the synthetic cohort of a run against its real one."""
    from tlesynth.pipeline.stages import Context
    from tlesynth.pipeline.stages import evaluate as measure

    measure(Context(_recipe_of(folder), folder, given))
    result({"results": str(folder / "evaluation/results.json")}, as_json)


def report(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Page to write; RUN/report.html if left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write one self-contained HTML page from what a run has so far."""
    from tlesynth.report import build

    _recipe_of(folder)
    result({"report": str(build(folder, out or folder / "report.html"))}, as_json)


def _recipe_of(folder: Path) -> recipes.Recipe:
    if not (folder / "recipe.yaml").is_file():
        raise fail("DATA-011", folder, "it holds no recipe.yaml")
    return recipes.load(folder / "recipe.yaml")
