"""The verbs of ``study``: make, serve and score a blinded reader study."""

from __future__ import annotations

import typer

from tlesynth.cli.serving import serve

app = typer.Typer(help="Make, serve and score a blinded reader study.", no_args_is_help=True)
app.command("serve")(serve)
