"""The summary's traffic lights as the page prints them: every word and number by its place in results.json.

The colours and sentences are the evaluation's; the page adds none of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tlesynth.report.sources import RESULTS, Files, pointer

TONES = {"green": "good", "amber": "mixed", "red": "bad", "grey": "unknown"}
"""The style of each colour; shapes differ too, so that nobody needs to see colours."""
PLACES = {"reconstruction": 1, "fidelity": 1, "diversity": 3, "membership": 2}
PERCENT = ("audit", "copies")
"""Lights whose figures are shares."""


@dataclass(frozen=True)
class LightFigure:
    """One figure of a light: sources of its parts, empty where it has none."""

    tone: str
    colour: str
    at: str
    """Its interval, or the word or reason in its place."""
    floor: str
    low: str
    high: str
    wider: str
    """The wider limits beyond which it is red, where they are others."""
    read_from: str
    """The place its number was taken from."""
    beside: bool
    said: bool


@dataclass(frozen=True)
class Light:
    """A light: the sources of its title and sentence, and its figures, the deciding one at ``shown``."""

    name: str
    tone: str
    colour: str
    at: str
    shown: int
    figures: tuple[LightFigure, ...]
    places: int
    percent: bool


@dataclass(frozen=True)
class Question:
    """What a reader wants to know, with the lights that answer it."""

    tone: str
    at: str
    lights: tuple[Light, ...]


def questions(files: Files) -> list[Question]:
    """The questions of the verdict in their order; none where the run was not judged."""
    found = files.get(pointer(RESULTS, "verdict", "questions"), {})
    return [
        Question(
            TONES[asked["light"]],
            pointer(RESULTS, "verdict", "questions", key),
            tuple(_light(files, name) for name in asked["lights"]),
        )
        for key, asked in found.items()
    ]


def _light(files: Files, name: str) -> Light:
    at = pointer(RESULTS, "verdict", "lights", name)
    told = files.resolve(at)
    figures = tuple(_figure(f"{at}/figures/{place}", figure) for place, figure in enumerate(told["figures"]))
    colour, percent = told["light"], name in PERCENT
    return Light(name, TONES[colour], colour, at, told["shown"], figures, PLACES.get(name, 2 - percent), percent)


def _figure(at: str, figure: dict[str, Any]) -> LightFigure:
    low, high = figure.get("limits", (None, None))
    return LightFigure(
        tone=TONES[figure["light"]],
        colour=figure["light"],
        at=at,
        floor=f"{at}/floor" if "floor" in figure else "",
        low=f"{at}/limits/0" if low is not None else "",
        high=f"{at}/limits/1" if high is not None else "",
        wider=f"{at}/tolerated" if "tolerated" in figure else "",
        read_from=f"{at}/source",
        beside="beside" in figure,
        said="said" in figure,
    )
