"""One figure of a light: found in results.json by its path, set against what it is compared with, and coloured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import Any, TypeAlias

from tlesynth.evaluation.verdict.rule import GREEN, GREY, RED, Limits, colour_of
from tlesynth.metrics.statistics import Interval, Json, not_computed
from tlesynth.privacy.gate import PASSED, REFUSED

Compared: TypeAlias = Callable[[Json, Json], Json]
INTERVAL = ("value", "low", "high", "n")
UNKNOWN = "these results hold no such figure"
MALFORMED = "what these results hold there is no interval"


@dataclass(frozen=True)
class Figure:
    """A figure in words, where it stands (``/a/b/c`` of results.json), and its limits."""

    what: str
    source: str
    """Of another file of the run: ``augmentation/ledger.json#/a/b``."""
    limits: Limits
    floor: str = ""
    """Where the same of real scans stands."""
    compared: Compared | None = None
    """How figure and floor become the number that is judged; None: the figure itself."""
    sets: tuple[str, ...] = ()
    """Where the numbers of scans of the sets stand; left out: the figure's own n."""
    beside: bool = False
    """Whether it can only turn a light red."""
    otherwise: Json | None = None
    """Why there is none, where the results have no place for it."""


@dataclass(frozen=True)
class Word:
    """What the gate of ``sample`` said, as results.json repeats it: a figure without a number."""

    what: str
    source: str
    beside: bool = False


def times(value: Json, floor: Json) -> Json:
    """``value`` in units of the floor's estimate; the floor's own interval stands beside it."""
    if floor["value"] <= 0:
        return not_computed("the same of real scans is 0")
    return Interval(*(value[k] / floor["value"] for k in ("value", "low", "high")), value["n"]).as_json()


def minus(value: Json, floor: Json) -> Json:
    """``value`` minus that of real scans, of other people: the distances to the limits added as squares.

    Source: Newcombe, Statistics in Medicine 1998, method 10; Zou and Donner 2008 for any two intervals.
    """
    gap = value["value"] - floor["value"]
    down = sqrt((value["value"] - value["low"]) ** 2 + (floor["high"] - floor["value"]) ** 2)
    up = sqrt((value["high"] - value["value"]) ** 2 + (floor["value"] - floor["low"]) ** 2)
    return Interval(gap, gap - down, gap + up, value["n"] + floor["n"]).as_json()


def judged(figure: Figure | Word, results: Json, least: int) -> Json:
    """The figure with its colour, as results.json keeps it; grey with its reason where there is none to judge."""
    told: Json = {"what": figure.what, "source": figure.source}
    if figure.beside:
        told["beside"] = True
    if isinstance(figure, Word):
        return told | _said(found_at(results, figure.source))
    told["limits"] = list(figure.limits.good)
    if figure.limits.tolerated:
        told["tolerated"] = list(figure.limits.tolerated)
    found, floor = (_interval(results, path) for path in (figure.source, figure.floor or figure.source))
    if figure.floor and "value" in floor:
        told |= {"floor": {k: floor[k] for k in INTERVAL}, "floor_source": figure.floor}
    if figure.otherwise and found.get("not_computed") == UNKNOWN:
        found = figure.otherwise
    refused = next((f for f in (found, floor if figure.compared else found) if "not_computed" in f), None)
    if refused is None and figure.compared:
        found = figure.compared(found, floor)
    refused = refused or (found if "not_computed" in found else _too_few(figure, results, found, least))
    if refused:
        return told | {"light": GREY} | refused
    return told | {"light": colour_of(found, figure.limits)} | {k: found[k] for k in INTERVAL}


def found_at(results: Json, path: str) -> Any:
    """What stands at ``path``; where nothing does, the nearest reason above it.

    Another file than results.json stands in ``results`` under its own name.
    """
    found: Any = results
    reason = not_computed(UNKNOWN, "tlesynth evaluate")
    file, _, inner = path.rpartition("#")
    for key in (*([file] if file else []), *inner.split("/")[1:]):
        found = _entry(found, key)
        if found is None:
            return reason
        if isinstance(found, dict) and "not_computed" in found:
            return {"not_computed": found["not_computed"], "command": found.get("command", "")}
    return found


def _entry(found: Any, key: str) -> Any:
    """What stands in an object or a list under ``key``, None where nothing does."""
    if isinstance(found, list):
        return found[int(key)] if key.isdigit() and int(key) < len(found) else None
    return found.get(key) if isinstance(found, dict) else None


def _interval(results: Json, path: str) -> Json:
    found = found_at(results, path)
    if isinstance(found, dict) and ("not_computed" in found or all(_is_number(found.get(k)) for k in INTERVAL)):
        return found
    return not_computed(MALFORMED, "tlesynth evaluate")


def _is_number(found: Any) -> bool:
    return isinstance(found, (int, float)) and not isinstance(found, bool)


def _too_few(figure: Figure, results: Json, found: Json, least: int) -> Json | None:
    sizes = [found_at(results, path) for path in figure.sets]
    n = min([s for s in sizes if isinstance(s, int)] or [found["n"]])
    return not_computed(f"{n} scans; a light needs at least {least}") if n < least else None


def _said(found: Any) -> Json:
    if found == PASSED:
        return {"light": GREEN, "said": found}
    if isinstance(found, str) and found.startswith(REFUSED):
        return {"light": RED, "said": found}
    return {"light": GREY} | (found if isinstance(found, dict) else not_computed(str(found)))
