"""Training the three networks, encoding, sampling."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tlesynth import recipe as recipes
from tlesynth.cli.options import AsJson, Derivatives, Out, Override, RecipeName, Splits, graceful, machine, result


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
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    as_json: AsJson = False,
) -> None:
    """Write every scan's latents once, and reconstructions of the held-out scans.

    The recipe's section inference says in which precision, and whether in tiles.
    """
    from tlesynth.autoencoder.encode import encode_cohort

    with graceful():
        inference = recipes.load(recipe, override or []).inference
        encode_cohort(autoencoder, derivatives, splits, latents, reconstructions, device=device, inference=inference)
    result({"latents": str(latents), "reconstructions": str(reconstructions)}, as_json)


def train_diffusion(
    latents: Annotated[Path, typer.Option(help="Folder that encode wrote.")],
    splits: Splits,
    out: Out,
    recipe: RecipeName = "paper",
    override: Override = None,
    as_json: AsJson = False,
) -> None:
    """Train the diffusion transformer on latents.

    Refuses those of an autoencoder that failed its quality gate (exit status 5) unless told:
    --set diffusion.accept_failed_gate=true
    """
    from tlesynth.diffusion.train import train_diffusion as train

    loaded = recipes.load(recipe, override or [])
    with graceful():
        train(latents, splits, out, loaded.diffusion, **machine(loaded))
    result({"model": str(out / "model")}, as_json)


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
    with graceful():
        sample_cohort(
            autoencoder,
            diffusion,
            out,
            film,
            loaded.sample,
            seed=seed,
            device=loaded.device,
            inference=loaded.inference,
        )
    result({"synthetic cohort": str(out), "film": str(film)}, as_json)


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
