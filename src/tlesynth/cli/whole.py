"""``run`` and ``demo``: the whole path."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tlesynth import recipe as recipes
from tlesynth.cli.lights import in_short, show
from tlesynth.cli.options import AsJson, Labels, Out, Override, result, settings, untuned
from tlesynth.errors import SOME_FAILED
from tlesynth.progress import clock, say, silent

DryRun = Annotated[bool, typer.Option("--dry-run", help="Print shapes, parameters, memory and time; do nothing.")]
Replace = Annotated[bool, typer.Option("--replace", help="Redo the stages that another recipe made in this folder.")]


def demo(
    out: Out = Path("demo"),
    override: Override = None,
    dry_run: DryRun = False,
    replace: Replace = False,
    as_json: AsJson = False,
) -> None:
    """Run the whole path on a simulated cohort: minutes on a laptop, no network, no patient data."""
    run("demo", out=out, given=None, labels=None, override=override, dry_run=dry_run, replace=replace, as_json=as_json)


def run(
    recipe: Annotated[str, typer.Argument(help="Recipe name (paper, recommended, fine, demo, tiny) or YAML file.")],
    out: Out = Path("runs/latest"),
    given: Annotated[
        Path | None, typer.Option("--input", help="BIDS cohort or manifest.csv; the simulated one if left out.")
    ] = None,
    labels: Labels = None,
    override: Override = None,
    dry_run: DryRun = False,
    replace: Replace = False,
    as_json: AsJson = False,
) -> None:
    """Run every stage from scans to report; the same command again goes on where it stopped.

    Example: tlesynth run demo --input my_bids --out my_run
    """
    loaded = recipes.load(recipe, [*settings(labels__like=labels), *untuned(override or [])])
    say(f"tlesynth run {recipe}: {loaded.about}")
    from tlesynth.pipeline import Context, judging, run_stages

    context = Context(loaded, out, given)
    if dry_run:
        from tlesynth.pipeline.plan import plan

        result(plan(context), as_json)
        return
    outcome = run_stages(context, replace=replace)
    made: dict[str, Any] = {"report": str(outcome.report), "synthetic cohort": str(outcome.synthetic)}
    if outcome.failed_scans:
        made["scans left out"] = outcome.failed_scans
    say(f"finished in {clock(outcome.seconds)}")
    verdict = judging.verdict_of(out)
    if as_json:
        made["lights"] = in_short(verdict)
    elif not silent():
        show(verdict)
    result(made, as_json)
    if outcome.failed_scans:
        raise typer.Exit(SOME_FAILED)
