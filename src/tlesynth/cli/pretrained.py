"""``weights``: the pretrained feature networks, fetched only when asked; ``import-weights``: somebody's autoencoder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from tlesynth import recipe as recipes
from tlesynth.cli.options import (
    AsJson,
    Derivatives,
    Device,
    Out,
    Override,
    RecipeName,
    Splits,
    graceful,
    result,
    settings,
)

app = typer.Typer(help="Pretrained feature networks for LPIPS and FID.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="A name that `tlesynth weights list` prints.")]


@app.command("list")
def list_() -> None:
    """Say which pretrained networks are here."""
    from tlesynth import weights

    present = set(weights.available())
    for name in weights.NAMES:
        typer.echo(f"{name:<16} {'present' if name in present else 'missing'}")


@app.command()
def fetch(name: Name) -> None:
    """Fetch a network from its official source, check it, and keep it as safetensors."""
    from tlesynth import weights

    typer.echo(weights.fetch(name))


@app.command()
def add(name: Name, file: Annotated[Path, typer.Argument(help="The official file, fetched elsewhere.")]) -> None:
    """Take in a file that was fetched elsewhere: for machines without a network."""
    from tlesynth import weights

    typer.echo(weights.add(name, file))


def import_weights(
    family: Annotated[
        Literal["maisi", "monai"], typer.Argument(help="Whose network: AutoencoderKlMaisi, AutoencoderKL.")
    ],
    file: Annotated[Path, typer.Argument(help="Its checkpoint: .safetensors, or .pt with tensors alone.")],
    derivatives: Derivatives,
    splits: Splits,
    out: Out,
    norm_groups: Annotated[int, typer.Option(min=1, help="Groups of its GroupNorm; the file does not tell.")] = 32,
    recipe: RecipeName = "paper",
    override: Override = None,
    device: Device = None,
    as_json: AsJson = False,
) -> None:
    """Make a model folder of MAISI's or MONAI's autoencoder weights, for encode and sample, and its page.

    Widths and depth are read from the file. The latents' scale is measured on gen_train, the quality gate judges on
    val, by the recipe's limits (autoencoder.gate) and as its section inference runs a model. No weights come with
    tlesynth; those you give keep their own licence.

    Example: tlesynth import-weights maisi vae.pt --derivatives run/derivatives --splits run/splits.tsv --out maisi
    """
    from tlesynth.pipeline.models import import_autoencoder

    loaded = recipes.load(recipe, [*(override or []), *settings(device=device)])
    with graceful():
        made = import_autoencoder(file, family, derivatives, splits, out, loaded, norm_groups)
    result(made, as_json)
