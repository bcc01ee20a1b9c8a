"""``simulate``, ``preprocess`` and ``split``: from nothing, or from scans, to a cohort that can be learned from."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from tlesynth import recipe as recipes
from tlesynth.cli.options import AsJson, Derivatives, Labels, Out, Override, RecipeName, graceful, result, settings
from tlesynth.errors import SOME_FAILED
from tlesynth.progress import say


def simulate(
    out: Out,
    heads: Annotated[
        Path | None, typer.Option("--from", help="BIDS cohort of healthy heads to plant TLE into.")
    ] = None,
    most: Annotated[
        int | None, typer.Option(min=8, help="Use at most this many of the heads, in matched pairs.")
    ] = None,
    labels: Labels = None,
    preset: Annotated[
        Literal["default", "easy", "mid", "hard"] | None, typer.Option(help="How visible the disease is.")
    ] = None,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Write no cohort: find the severity scale that gives --auc.")
    ] = False,
    auc: Annotated[float, typer.Option(min=0.55, max=0.99, help="What the 3D classifier is to reach.")] = 0.88,
    subjects: Annotated[int, typer.Option(min=100, help="Scans it learns from, half of them TLE.")] = 800,
    recipe: RecipeName = "demo",
    override: Override = None,
    seed: Annotated[int | None, typer.Option(help="Seed; the recipe's if left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write a BIDS cohort with planted TLE and known truth, and a page that shows it.

    Example: tlesynth simulate --from healthy_bids --out planted_bids
    """
    from tlesynth.pipeline.cohorts import simulate as make

    loaded = recipes.load(recipe, [*settings(simulate__preset=preset, labels__like=labels), *(override or [])])
    seed = loaded.seed if seed is None else seed
    if calibrate:
        _calibrate(loaded, out, auc, subjects, seed, as_json)
        return
    if (out / "derivatives" / "truth" / "truth.tsv").is_file():
        say(f"{out}: a simulated cohort is there; finished subjects are kept")
    with graceful():
        page = make(loaded, out, seed=seed, heads=heads, most=most)
    result({"cohort": str(out), "truth": str(out / "derivatives/truth/truth.tsv"), "page": str(page)}, as_json)


def preprocess(
    bids: Annotated[Path, typer.Argument(metavar="BIDS_DIR", help="Raw BIDS cohort, or a manifest.csv.")],
    out: Annotated[Path, typer.Argument(metavar="OUT_DIR", help="Folder to write the derivatives to.")],
    level: Annotated[
        Literal["participant"], typer.Argument(help="As BIDS apps take it; there is one.")
    ] = "participant",
    participants: Annotated[
        list[str] | None, typer.Option("--participant-label", help="Only this participant; may be repeated.")
    ] = None,
    labels: Labels = None,
    command: Annotated[
        str | None,
        typer.Option("--brain-mask-command", help="Mask brains by a program: 'mri_synthstrip -i {input} -m {mask}'."),
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=0, help="Subjects in parallel; 0: one a core.")] = None,
    backend: Annotated[Literal["joblib", "dask"] | None, typer.Option(help="dask: jobs on a cluster.")] = None,
    shard: Annotated[str | None, typer.Option(metavar="i/N", help="Part i of N, as in an array job.")] = None,
    recipe: RecipeName = "paper",
    override: Override = None,
    as_json: AsJson = False,
) -> None:
    """Bring every T1 onto the MNI grid: mask, bias field, affine, intensities, a quality row each, a page of all.

    The same command goes on where it stopped. Example: tlesynth preprocess my_bids derivatives --labels ds004469
    """
    from tlesynth.pipeline.cohorts import QUALITY_PAGE
    from tlesynth.pipeline.cohorts import preprocess as make

    given = settings(
        labels__like=labels,
        preprocess__brain_mask="command" if command else None,
        preprocess__brain_mask_command=command,
        preprocess__jobs=jobs,
        preprocess__sharing__backend=backend,
        preprocess__sharing__shard=shard,
    )
    loaded = recipes.load(recipe, [*given, *(override or [])])
    with graceful():
        counts = make(bids, out, loaded, tuple(participants or ()))
    made = {"derivatives": str(out), "page": str(out / QUALITY_PAGE)}
    result(made | {name.replace("_", " "): count for name, count in asdict(counts).items()}, as_json)
    if counts.failed:
        raise typer.Exit(SOME_FAILED)


def split(
    derivatives: Derivatives,
    out: Annotated[Path, typer.Option("--out", "-o", help="Table to write.")],
    given: Annotated[
        Path | None, typer.Option(help="A table of your own (participant_id, split), checked and used.")
    ] = None,
    left_out: Annotated[
        str | None, typer.Option("--leave-one-site-out", metavar="SITE", help="Make this site the test set.")
    ] = None,
    recipe: RecipeName = "paper",
    override: Override = None,
    as_json: AsJson = False,
) -> None:
    """Share the participants out over gen_train, val, test and audit_holdout, after a look for duplicates and sites."""
    from tlesynth.data.splits import make_splits

    chosen = settings(split__given=str(given) if given else None, split__leave_one_site_out=left_out)
    loaded = recipes.load(recipe, [*chosen, *(override or [])])
    table = make_splits(derivatives, out, loaded.split, seed=loaded.seed)
    counts = table.groupby("split").size().to_dict()
    result({"splits": str(out)} | {str(k): int(v) for k, v in counts.items()}, as_json)


def _calibrate(loaded: recipes.Recipe, out: Path, auc: float, subjects: int, seed: int, as_json: bool) -> None:
    from tlesynth.classifier.severity import calibrate

    jobs, device = loaded.preprocess.jobs, "cpu" if loaded.device == "auto" else loaded.device
    with graceful():
        found = calibrate(loaded.simulate, out, wanted=auc, subjects=subjects, seed=seed, device=device, jobs=jobs)
    scale = found["scale"]
    told = f"{scale:.3f}" if scale is not None else f"none: {auc:g} lies outside what was measured"
    result({"severity scale": scale if as_json else told, "curve": str(out / "calibration.json")}, as_json)
