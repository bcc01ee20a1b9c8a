"""Training the three networks, encoding, sampling."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tlesynth import recipe as recipes
from tlesynth.cli.options import (
    AsJson,
    Derivatives,
    Device,
    ModelRecipe,
    Out,
    Override,
    RecipeName,
    Splits,
    graceful,
    machine,
    recipe_for,
    result,
    settings,
)


class Baseline(StrEnum):
    """Rivals of the diffusion model."""

    pca = "pca"
    prior = "prior"
    deformation = "deformation"


def train_autoencoder(
    derivatives: Derivatives,
    splits: Splits,
    out: Out,
    recipe: RecipeName = "paper",
    override: Override = None,
    as_json: AsJson = False,
) -> None:
    """Train the VAE-GAN that turns volumes into latents, judge it on held-out scans and write its page.

    The same command again resumes; after the end it only judges and shows anew, by the limits then given:
    --set autoencoder.gate.l1=0.05
    """
    from tlesynth.pipeline.models import train_autoencoder as train

    loaded = recipes.load(recipe, override or [])
    with graceful():
        made = train(derivatives, splits, out, loaded)
    result(made, as_json)


def encode(
    autoencoder: Annotated[Path, typer.Option(help="Model folder of the autoencoder.")],
    derivatives: Derivatives,
    splits: Splits,
    latents: Annotated[Path, typer.Option(help="Folder to write the latents to.")],
    reconstructions: Annotated[Path, typer.Option(help="Folder to write the reconstructions to.")],
    recipe: RecipeName = "paper",
    override: Override = None,
    device: Device = None,
    as_json: AsJson = False,
) -> None:
    """Write every scan's latents once, and reconstructions of the held-out scans.

    The recipe's section inference says in which precision, and whether in tiles; its section encode, how many moved
    copies of each scan are kept beside it.
    """
    from tlesynth.autoencoder.encode import encode_cohort

    loaded = recipes.load(recipe, [*(override or []), *settings(device=device)])
    with graceful():
        encode_cohort(
            autoencoder,
            derivatives,
            splits,
            latents,
            reconstructions,
            device=loaded.device,
            inference=loaded.inference,
            copies=loaded.encode,
        )
    result({"latents": str(latents), "reconstructions": str(reconstructions)}, as_json)


def train_diffusion(
    latents: Annotated[Path, typer.Option(help="Folder that encode wrote.")],
    splits: Splits,
    out: Out,
    recipe: RecipeName = "paper",
    override: Override = None,
    devices: Annotated[
        int | None, typer.Option(min=1, help="GPUs (or processes) a node; the recipe's if left out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train the diffusion transformer on latents, on one device or several.

    Several processes are started here, or are found where torchrun or srun started them.

    Refuses those of an autoencoder that failed its quality gate (exit status 5), by the limits it was
    judged by and by the recipe's own, unless told: --set diffusion.accept_failed_gate=true
    """
    from tlesynth.pipeline.models import train_diffusion_here as train

    loaded = recipes.load(recipe, override or [])
    with graceful():
        train(latents, splits, out, loaded, devices or loaded.devices)
    result({"model": str(out / "model")}, as_json)


def tune(
    diffusion: Annotated[Path, typer.Option(help="Model folder of the diffusion model.")],
    latents: Annotated[Path, typer.Option(help="Folder that encode wrote.")],
    splits: Splits,
    recipe: ModelRecipe = None,
    override: Override = None,
    as_json: AsJson = False,
) -> None:
    """Choose the number of steps and the guidance scale on the validation latents.

    The recipe's section tune says what is tried. Writes tuned.json and tuned.webp beside the model
    folder; sample takes them with --set sample.tuned=true.

    Example: tlesynth tune --diffusion run/diffusion/model --latents run/latents
    --splits run/splits.tsv
    """
    from tlesynth.pipeline.models import tune as choose

    loaded = recipe_for(diffusion, recipe, override or [])
    with graceful():
        made = choose(diffusion, latents, splits, loaded)
    result(made, as_json)


def sample(
    autoencoder: Annotated[Path, typer.Option(help="Model folder of the autoencoder.")],
    diffusion: Annotated[Path, typer.Option(help="Model folder of the diffusion model.")],
    out: Out,
    more: Annotated[list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="More of --where.")] = None,
    where: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE...", help="Conditions; again, or more words, for more.")
    ] = None,
    n: Annotated[
        int | None, typer.Option("--n", "-n", min=1, help="How many; the recipe's number if left out.")
    ] = None,
    like: Annotated[Path | None, typer.Option(help="A participants.tsv: a subject for each row.")] = None,
    unconditional: Annotated[bool, typer.Option("--unconditional", help="Ask for nothing.")] = False,
    derivatives: Annotated[
        Path | None, typer.Option(help="Folder that preprocess wrote: copies of its training scans are dropped.")
    ] = None,
    splits: Annotated[Path | None, typer.Option(help="Table that split wrote; goes with --derivatives.")] = None,
    film: Annotated[bool, typer.Option("--film", help="And one reverse process, in OUT-film.")] = False,
    recipe: ModelRecipe = None,
    override: Override = None,
    seed: Annotated[int | None, typer.Option(help="Seed; the recipe's if left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write a synthetic BIDS cohort: the recipe's two groups, or as many of whom you ask for.

    Subject i of a seed is the same volume whatever the batch size, and grows from the same noise
    under other conditions.

    With --derivatives and --splits each volume is compared with the training scans, and all of
    them with held-out ones too: copies are dropped, certificate.json tells what was found; too many,
    or a cohort too near, end in exit status 9. The recipe's section privacy holds the limits.

    Example: tlesynth sample --autoencoder run/autoencoder/model --diffusion run/diffusion/model
    --derivatives run/derivatives --splits run/splits.tsv --out left_tle --n 20
    --where group=tle side=left
    """
    from tlesynth.synthesis.cohort import sample_cohort
    from tlesynth.synthesis.film import film_of, require_film_folder
    from tlesynth.synthesis.guard import guard_of
    from tlesynth.synthesis.requests import Wish, subjects_of
    from tlesynth.synthesis.synthesizer import synthesizer_of

    if (derivatives is None) != (splits is None):
        raise typer.BadParameter("--derivatives and --splits go together: both say who the training scans are")
    loaded = recipe_for(diffusion, recipe, override or [])
    film_folder = Path(f"{out if out.name else out.resolve()}-film") if film else None
    if film_folder is not None:
        require_film_folder(film_folder)
    seed = loaded.seed if seed is None else seed
    with graceful():
        models = synthesizer_of(
            autoencoder, diffusion, loaded.sample, seed=seed, device=loaded.device, inference=loaded.inference
        )
        wish = Wish(n, (*(where or []), *(more or [])), like, unconditional)
        subjects = models.completed(subjects_of(wish, loaded.sample, models.diffusion))
        guard = guard_of(derivatives, splits, loaded.privacy, seed)
        sample_cohort(models, subjects, out, guard=guard)
        if film_folder is not None:
            film_of(subjects, models, film_folder)
    result({"synthetic cohort": str(out)} | ({"film": str(film_folder)} if film else {}), as_json)


def baseline(
    kind: Annotated[Baseline, typer.Argument(help="Which rival.")],
    autoencoder: Annotated[Path, typer.Option(help="Model folder of the autoencoder.")],
    latents: Annotated[Path, typer.Option(help="Folder that encode wrote.")],
    derivatives: Derivatives,
    splits: Splits,
    out: Out,
    recipe: RecipeName = "paper",
    override: Override = None,
    as_json: AsJson = False,
) -> None:
    """Write a cohort of as many scans as sample would, by a rival that needs no diffusion model.

    pca: a Gaussian over the latents of each class. prior: noise through the decoder.
    deformation: training scans, bent; every one is a person's, so share nothing of it.

    Example: tlesynth baseline pca --autoencoder run/autoencoder/model --latents run/latents
    --derivatives run/derivatives --splits run/splits.tsv --recipe demo --out pca
    """
    from tlesynth.synthesis.baselines.building import write_baseline

    loaded = recipes.load(recipe, override or [])
    with graceful():
        write_baseline(kind.value, autoencoder, latents, derivatives, splits, out, loaded)
    result({"baseline cohort": str(out)}, as_json)


def counterfactual(
    derivatives: Annotated[Path, typer.Argument(help="Preprocessed cohort that the scan is in.")],
    autoencoder: Annotated[Path, typer.Option(help="Model folder of the autoencoder.")],
    diffusion: Annotated[Path, typer.Option(help="Model folder of the diffusion model.")],
    out: Out,
    to: Annotated[list[str], typer.Option(metavar="NAME=VALUE...", help="Conditions; again, or more words, for more.")],
    more: Annotated[list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="More of --to.")] = None,
    subject: Annotated[list[str] | None, typer.Option(help="Participant, sub-...; all, if left out.")] = None,
    given: Annotated[
        list[str] | None, typer.Option("--from", metavar="NAME=VALUE", help="The scan's own, where its table is wrong.")
    ] = None,
    recipe: ModelRecipe = None,
    override: Override = None,
    as_json: AsJson = False,
) -> None:
    """Draw real scans again under other conditions, as with and without the disease.

    Each grows from its own noise. Writes volumes, difference maps and counterfactuals.tsv: how the
    hippocampi changed, what else did, and how well the way back finds the scan again.

    Example: tlesynth counterfactual run/derivatives --subject sub-01 --to group=tle side=left
    --autoencoder run/autoencoder/model --diffusion run/diffusion/model --out what_if
    """
    from tlesynth.synthesis.counterfactual import TABLE, counterfactuals
    from tlesynth.synthesis.requests import parse
    from tlesynth.synthesis.synthesizer import synthesizer_of

    loaded = recipe_for(diffusion, recipe, override or [])
    if given and more:
        raise typer.BadParameter("with --from, quote the words of --to: --to 'group=tle side=left' --from age=30")
    wanted, own = parse([*to, *(more or [])], "--to"), parse(given or [], "--from")
    with graceful():
        models = synthesizer_of(
            autoencoder, diffusion, loaded.sample, seed=loaded.seed, device=loaded.device, inference=loaded.inference
        )
        counterfactuals(models, derivatives, subject or [], wanted, own, out)
    result({"counterfactuals": str(out), "table": str(out / TABLE)}, as_json)


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
    with graceful():
        train_classifiers(derivatives, synthetic, splits, out, loaded.classifier, **machine(loaded))
    result({"classifiers": str(out)}, as_json)
