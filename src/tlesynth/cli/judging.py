"""``evaluate``, ``augment-study`` and ``report``: what a run's synthetic cohort is worth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from tlesynth import recipe as recipes
from tlesynth.cli.lights import in_short, show
from tlesynth.cli.options import AsJson, Override, graceful, result, settings
from tlesynth.errors import fail


def evaluate(
    folder: Annotated[
        Path,
        typer.Argument(metavar="RUN", help="Run folder with scans and splits; what other stages wrote is judged too."),
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
        found = judging.judge_anew(folder, recipe, _recipe_of(folder))
    else:
        context = Context(recipe, folder, given)
        found = judging.evaluate(folder, recipe, data=kind_of(context.cohort), truth=context.truth)
    made = {"results": str(folder / judging.RESULTS)}
    if as_json:
        result(made | {"lights": in_short(found["verdict"])}, as_json)
        return
    show(found["verdict"])
    result(made, as_json)


def augment_study(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder whose stages up to sample are done.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder to write; RUN/augmentation, which the report reads.")
    ] = None,
    given: Annotated[
        Path | None, typer.Option("--input", help="The run's BIDS cohort, if it was not simulated.")
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=0, help="Trainings side by side; 0: one a core.")] = None,
    backend: Annotated[Literal["joblib", "dask"] | None, typer.Option(help="dask: jobs on a cluster.")] = None,
    shard: Annotated[str | None, typer.Option(metavar="i/N", help="Part i of N, as in an array job.")] = None,
    override: Override = None,
    as_json: AsJson = False,
) -> None:
    """Does it help? Train classifiers with and without synthetic scans, and judge them on real ones.

    Arms x seeds x splits, each once; the same command goes on. What decides is written to plan.json
    before the first training; validation chooses the ratio; test is opened once, at the end.

    Example: tlesynth augment-study my_run --set augment_study.seeds=3 --set augment_study.splits=3
    """
    from tlesynth.pipeline.studies import augment_study as study

    sharing = settings(
        augment_study__jobs=jobs, augment_study__sharing__backend=backend, augment_study__sharing__shard=shard
    )
    loaded = _recipe_of(folder, [*sharing, *(override or [])])
    with graceful():
        made = study(folder, out or folder / "augmentation", loaded, given)
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
        why = "it holds no recipe.yaml, so it is no run" if folder.is_dir() else "there is no such folder"
        raise fail("DATA-011", folder, why)
    return recipes.load(folder / "recipe.yaml", override or [])
