"""The stages as verbs, and the two that run them all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from tlesynth import recipe as recipes
from tlesynth.errors import SOME_FAILED, fail
from tlesynth.progress import clock, say

RecipeName = Annotated[str, typer.Option("--recipe", "-r", help="Recipe name (paper, demo, tiny) or YAML file.")]
Override = Annotated[list[str] | None, typer.Option("--set", metavar="A.B=C", help="Change one value of the recipe.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Derivatives = Annotated[Path, typer.Option("--derivatives", help="Folder that preprocess wrote.")]
Splits = Annotated[Path, typer.Option("--splits", help="Table that split wrote.")]
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
    run("demo", out=out, given=None, override=override, dry_run=dry_run, replace=replace, as_json=as_json)


def run(
    recipe: Annotated[str, typer.Argument(help="Recipe name (paper, demo, tiny) or YAML file.")],
    out: Out = Path("runs/latest"),
    given: Annotated[Path | None, typer.Option("--input", help="BIDS cohort; the simulated one if left out.")] = None,
    override: Override = None,
    dry_run: DryRun = False,
    replace: Replace = False,
    as_json: AsJson = False,
) -> None:
    """Run every stage from scans to report; the same command again goes on where it stopped.

    Example: tlesynth run demo --input my_bids --out my_run
    """
    loaded = recipes.load(recipe, override or [])
    say(f"tlesynth run {recipe}: {loaded.about}")
    from tlesynth.pipeline import Context, run_stages

    context = Context(loaded, out, given)
    if dry_run:
        from tlesynth.pipeline.plan import plan

        _result(plan(context), as_json)
        return
    outcome = run_stages(context, replace=replace)
    result = {"report": str(outcome.report), "synthetic cohort": str(outcome.synthetic)}
    say(f"finished in {clock(outcome.seconds)}")
    _result(result | ({"scans left out": outcome.failed_scans} if outcome.failed_scans else {}), as_json)
    if outcome.failed_scans:
        raise typer.Exit(SOME_FAILED)


def simulate(
    out: Out,
    heads: Annotated[
        Path | None, typer.Option("--from", help="BIDS cohort of healthy heads to plant TLE into.")
    ] = None,
    most: Annotated[
        int | None, typer.Option(min=8, help="Use at most this many of the heads, in matched pairs.")
    ] = None,
    recipe: RecipeName = "demo",
    override: Override = None,
    seed: Annotated[int | None, typer.Option(help="Seed; the recipe's if left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write a BIDS cohort with planted TLE and known truth.

    Example: tlesynth simulate --from healthy_bids --out planted_bids
    """
    loaded = recipes.load(recipe, override or [])
    seed = loaded.seed if seed is None else seed
    if (out / "derivatives" / "truth" / "truth.tsv").is_file():
        say(f"{out}: a simulated cohort is there; finished subjects are kept")
    with _graceful():
        _simulate(heads, loaded, out, seed, most)
    _result({"cohort": str(out), "truth": str(out / "derivatives/truth/truth.tsv")}, as_json)


def preprocess(
    bids: Annotated[Path, typer.Argument(metavar="BIDS_DIR", help="Raw BIDS cohort.")],
    out: Annotated[Path, typer.Argument(metavar="OUT_DIR", help="Folder to write the derivatives to.")],
    recipe: RecipeName = "paper",
    override: Override = None,
    as_json: AsJson = False,
) -> None:
    """Bring every T1 onto the MNI grid: mask, bias field, affine, intensities, a quality row each."""
    from tlesynth.data.preprocess.run import preprocess as preprocess_cohort
    from tlesynth.pipeline.run import failed_scans

    loaded = recipes.load(recipe, override or [])
    with _graceful():
        preprocess_cohort(bids, out, loaded.preprocess, loaded.labels, seed=loaded.seed)
    failed = failed_scans(out)
    _result({"derivatives": str(out), "failed": failed}, as_json)
    if failed:
        raise typer.Exit(SOME_FAILED)


def split(
    derivatives: Derivatives,
    out: Annotated[Path, typer.Option("--out", "-o", help="Table to write.")],
    recipe: RecipeName = "paper",
    override: Override = None,
    as_json: AsJson = False,
) -> None:
    """Share the participants out over gen_train, val, test and audit_holdout."""
    from tlesynth.data.splits import make_splits

    loaded = recipes.load(recipe, override or [])
    table = make_splits(derivatives, out, loaded.split, seed=loaded.seed)
    counts = table.groupby("split").size().to_dict()
    _result({"splits": str(out)} | {str(k): int(v) for k, v in counts.items()}, as_json)


def train_autoencoder(
    derivatives: Derivatives,
    splits: Splits,
    out: Out,
    recipe: RecipeName = "paper",
    override: Override = None,
    as_json: AsJson = False,
) -> None:
    """Train the VAE-GAN that turns volumes into latents."""
    from tlesynth.autoencoder.train import train_autoencoder as train

    loaded = recipes.load(recipe, override or [])
    with _graceful():
        train(derivatives, splits, out, loaded.autoencoder, **_machine(loaded))
    _result({"model": str(out / "model")}, as_json)


def train_diffusion(
    latents: Annotated[Path, typer.Option(help="Folder that encode wrote.")],
    splits: Splits,
    out: Out,
    recipe: RecipeName = "paper",
    override: Override = None,
    as_json: AsJson = False,
) -> None:
    """Train the diffusion transformer on latents."""
    from tlesynth.diffusion.train import train_diffusion as train

    loaded = recipes.load(recipe, override or [])
    with _graceful():
        train(latents, splits, out, loaded.diffusion, **_machine(loaded))
    _result({"model": str(out / "model")}, as_json)


def train_classifier(
    derivatives: Derivatives,
    synthetic: Annotated[Path, typer.Option(help="Synthetic cohort that sample wrote.")],
    splits: Splits,
    out: Out,
    recipe: RecipeName = "paper",
    override: Override = None,
    as_json: AsJson = False,
) -> None:
    """Train TLE classifiers on real, synthetic and mixed cohorts."""
    from tlesynth.classifier.train import train_classifiers

    loaded = recipes.load(recipe, override or [])
    with _graceful():
        train_classifiers(derivatives, synthetic, splits, out, loaded.classifier, **_machine(loaded))
    _result({"classifiers": str(out)}, as_json)


def encode(
    autoencoder: Annotated[Path, typer.Option(help="Model folder of the autoencoder.")],
    derivatives: Derivatives,
    splits: Splits,
    latents: Annotated[Path, typer.Option(help="Folder to write the latents to.")],
    reconstructions: Annotated[Path, typer.Option(help="Folder to write the reconstructions to.")],
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    as_json: AsJson = False,
) -> None:
    """Write every scan's latents once, and reconstructions of the held-out scans."""
    from tlesynth.autoencoder.encode import encode_cohort

    with _graceful():
        encode_cohort(autoencoder, derivatives, splits, latents, reconstructions, device=device)
    _result({"latents": str(latents), "reconstructions": str(reconstructions)}, as_json)


def sample(
    autoencoder: Annotated[Path, typer.Option(help="Model folder of the autoencoder.")],
    diffusion: Annotated[Path, typer.Option(help="Model folder of the diffusion model.")],
    out: Out,
    film: Annotated[Path | None, typer.Option(help="Folder for the film of one reverse process.")] = None,
    recipe: RecipeName = "paper",
    override: Override = None,
    seed: Annotated[int | None, typer.Option(help="Seed; the recipe's if left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write a synthetic BIDS cohort.

    Example: tlesynth sample --autoencoder run/autoencoder/model --diffusion run/diffusion/model --out synthetic
    """
    from tlesynth.synthesis import sample_cohort

    loaded = recipes.load(recipe, override or [])
    film = film or out.with_name(out.name + "-film")
    seed = loaded.seed if seed is None else seed
    with _graceful():
        sample_cohort(autoencoder, diffusion, out, film, loaded.sample, seed=seed, device=loaded.device)
    _result({"synthetic cohort": str(out), "film": str(film)}, as_json)


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
    _result({"results": str(folder / "evaluation/results.json")}, as_json)


def report(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Page to write; RUN/report.html if left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write one self-contained HTML page from what a run has so far."""
    from tlesynth.report import build

    _recipe_of(folder)
    _result({"report": str(build(folder, out or folder / "report.html"))}, as_json)


def _simulate(heads: Path | None, loaded: recipes.Recipe, out: Path, seed: int, most: int | None) -> None:
    from tlesynth.data.simulate import plant_into, simulate_cohort

    jobs = loaded.preprocess.jobs
    if heads is None:
        simulate_cohort(loaded.simulate, out, seed=seed, jobs=jobs)
    else:
        plant_into(heads, loaded.simulate, out, seed=seed, jobs=jobs, most=most)


def _recipe_of(folder: Path) -> recipes.Recipe:
    if not (folder / "recipe.yaml").is_file():
        raise fail("DATA-011", folder, "it holds no recipe.yaml")
    return recipes.load(folder / "recipe.yaml")


def _machine(recipe: recipes.Recipe) -> dict[str, Any]:
    return {"seed": recipe.seed, "device": recipe.device, "precision": recipe.precision}


def _graceful() -> Any:
    from tlesynth import interruption

    return interruption.graceful()


def _result(result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(result))
        return
    width = max(len(name) for name in result)
    for name, value in result.items():
        typer.echo(f"{name:<{width}}  {value}")
