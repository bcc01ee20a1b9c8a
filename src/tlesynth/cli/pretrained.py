"""``weights``: the pretrained feature networks. Nothing is fetched unless asked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
