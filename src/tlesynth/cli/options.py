"""Options that several verbs share, and how a verb ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from tlesynth import progress
from tlesynth import recipe as recipes
from tlesynth.errors import fail


def _known_device(value: str | None) -> str | None:
    """Refuse a device of another name before anything is loaded; whether it is here, only torch knows."""
    if value is not None and value not in (known := get_args(recipes.DeviceName)):
        raise fail("CFG-002", f"device: {value}", f"it is none of {', '.join(known)}")
    return value


RecipeName = Annotated[
    str, typer.Option("--recipe", "-r", help="Recipe name (paper, recommended, fine, demo, tiny) or YAML file.")
]
ModelRecipe = Annotated[
    str | None,
    typer.Option("--recipe", "-r", help="Recipe name or YAML file; left out, the model knows how it is sampled."),
]
Override = Annotated[list[str] | None, typer.Option("--set", metavar="A.B=C", help="Change one value of the recipe.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Derivatives = Annotated[Path, typer.Option("--derivatives", help="Folder that preprocess wrote.")]
Splits = Annotated[Path, typer.Option("--splits", help="Table that split wrote.")]
Device = Annotated[
    str | None, typer.Option(help="auto, cpu or cuda; the recipe's if left out.", callback=_known_device)
]
OwnDevice = Annotated[str, typer.Option("--device", help="auto, cpu or cuda.", callback=_known_device)]
"""Of a verb that reads no recipe."""
Labels = Annotated[
    str | None, typer.Option("--labels", help="Meaning of the tables: ds004469, ideas, ds002748, ixi or a YAML file.")
]


def settings(**named: str | float | tuple[float, ...] | None) -> list[str]:
    """Options as ``--set`` writes them, those that were given: ``settings(split__given="a.tsv")``.

    Two underscores stand for the dot.
    """
    return [f"{name.replace('__', '.')}={json.dumps(value)}" for name, value in named.items() if value is not None]


SWEPT = ("sample.steps", "sample.guidance")
"""What ``tune`` chooses; for the sampler and the interval that it is given."""


def untuned(overrides: list[str], names: tuple[str, ...] = SWEPT) -> list[str]:
    """``overrides`` by which what they say of ``names`` counts, and not what ``tune`` chose."""
    told = {one.partition("=")[0].strip() for one in overrides}
    if "sample.tuned" in told or not told & set(names):
        return overrides
    return [*overrides, "sample.tuned=false"]


def recipe_for(diffusion: Path, name: str | None, overrides: list[str]) -> recipes.Recipe:
    """The recipe that was named; else the default one, used as the model in ``diffusion`` was made to be."""
    overrides = untuned(overrides, (*SWEPT, "sample.sampler", "sample.guidance_interval"))
    if name is not None:
        return recipes.load(name, overrides)
    from tlesynth.diffusion.model import usage_of

    carried = usage_of(diffusion)
    if carried is None:
        progress.say("the model does not say how it is sampled: as the recipe paper does; --recipe names another")
        return recipes.load("paper", overrides)
    sections = {"sample": carried.sampling, "inference": carried.inference}
    own = {f"{part}__{key}": value for part, one in sections.items() for key, value in one.model_dump().items()}
    return recipes.load("paper", [*settings(**own), *overrides])


def machine(recipe: recipes.Recipe) -> dict[str, Any]:
    """What every training takes from the recipe besides its own part."""
    return {"seed": recipe.seed, "device": recipe.device, "precision": recipe.precision}


def graceful() -> Any:
    """Let the first stop signal save what is there."""
    from tlesynth import interruption

    return interruption.graceful()


def result(made: dict[str, Any], as_json: bool) -> None:
    """Print where the result lies, for people or as JSON; of several processes the first does."""
    if progress.silent():
        return
    if as_json:
        typer.echo(json.dumps(made))
        return
    width = max(len(name) for name in made)
    for name, value in made.items():
        typer.echo(f"{name:<{width}}  {value}")
