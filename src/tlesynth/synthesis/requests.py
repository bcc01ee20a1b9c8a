"""Whom to draw: the recipe's two groups, a number of subjects under given conditions, or the likes of a table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tlesynth import durable
from tlesynth.diffusion.conditions import Conditions, is_missing
from tlesynth.diffusion.model import Diffusion
from tlesynth.errors import fail
from tlesynth.progress import say
from tlesynth.recipe import Sample

NAMES = {"hc": "HC", "tle": "TLE"}
"""How a group is called in a participant's name."""


@dataclass(frozen=True)
class Subject:
    """One synthetic participant, and the conditions (name to value) it is drawn under; what is not named is null."""

    participant_id: str
    asked: Mapping[str, str] = field(default_factory=dict)

    @property
    def group(self) -> str | None:
        """Healthy control (hc), patient (tle), or not asked for."""
        return self.asked.get("group")


@dataclass(frozen=True)
class Wish:
    """What was asked for on the command line; nothing means the recipe's two groups."""

    n: int | None = None
    where: tuple[str, ...] = ()
    like: Path | None = None
    unconditional: bool = False


def subjects_of(wish: Wish, settings: Sample, model: Diffusion) -> list[Subject]:
    """The subjects to draw.

    Raises:
        TlesynthError: CFG-011 for what the model does not know or wishes that exclude each other, DATA codes for a
            table that cannot be read.
    """
    if wish.like and (wish.where or wish.unconditional) or wish.where and wish.unconditional:
        raise fail("CFG-011", "sample", "take one of --where, --like and --unconditional")
    if wish.like:
        return like(wish.like, wish.n, model)
    if wish.unconditional:
        return unconditional(wish.n or settings.n_hc + settings.n_tle)
    if wish.where or wish.n:
        where, n = parse(wish.where), wish.n or settings.n_hc + settings.n_tle
        return under(n, where, model.conditions, model.class_counts)
    return of_recipe(settings, model.conditions, model.class_counts)


def of_recipe(settings: Sample, conditions: Conditions, counts: Mapping[str, int]) -> list[Subject]:
    """synHC0001, ..., synTLE0001, ...; the sides of patients in the proportion of the training set.

    Where the model knows no group, as many subjects in all, made up as the training set is.
    """
    if "group" not in conditions.names:
        n = settings.n_hc + settings.n_tle
        say(f"group is no condition of this model: n_hc + n_tle = {n} subjects, made up as the training set is")
        return under(n, {}, conditions, counts)
    say(f"drawing {settings.n_hc} controls and {settings.n_tle} patients, as in the recipe")
    asked = [{"group": "hc"}] * settings.n_hc + [{"group": "tle"}] * settings.n_tle
    return _named(_sided(asked, conditions, counts))


def under(n: int, where: Mapping[str, str], conditions: Conditions, counts: Mapping[str, int]) -> list[Subject]:
    """``n`` subjects under the conditions ``where``; group and side, if left open, as the training set has them.

    Raises:
        TlesynthError: CFG-011 for a condition or value that the model does not know.
    """
    where = possible(where, conditions, "--where")
    conditions.asked([where], "--where")
    patients = sum(count for name, count in counts.items() if name.startswith("tle"))
    told = _spread(n, patients / sum(counts.values()))
    asked = [{"group": "tle" if is_tle else "hc"} | dict(where) for is_tle in told]
    known = [{k: v for k, v in one.items() if k in conditions.names} for one in _sided(asked, conditions, counts)]
    return _named(known)


def unconditional(n: int) -> list[Subject]:
    """``n`` subjects of whom nothing is asked."""
    return _named([{}] * n)


def like(table: Path, n: int | None, model: Diffusion) -> list[Subject]:
    """A subject for each row of a participants table, with the values of its columns that are conditions; row after
    row again where ``n`` is more, the first where it is fewer.

    Raises:
        TlesynthError: DATA-011 or DATA-001 if the table cannot be read, CFG-011 for a value the model does not know.
    """
    rows = durable.read_table(table)
    columns = [name for name in model.conditions.names if name in rows]
    if not columns or rows.empty:
        raise fail("CFG-011", table, f"no column of it is a condition: {', '.join(model.conditions.names)}")
    asked = [{c: str(row[c]) for c in columns if not is_missing(row[c])} for row in rows.to_dict("records")]
    asked = [possible(one, model.conditions, str(table)) for one in asked]
    model.conditions.asked(asked, str(table))
    return _named([asked[i % len(asked)] for i in range(n or len(asked))])


def parse(texts: Iterable[str], option: str = "--where") -> dict[str, str]:
    """``["group=tle side=left", "site=New York"]`` as a dictionary; ``option`` is where they were given.

    Raises:
        TlesynthError: CFG-011 for anything but NAME=VALUE, and for a name with two values.
    """
    where: dict[str, str] = {}
    for part in (part for text in texts for part in re.split(r"\s+(?=\S+=)", text.strip())):
        name, equals, value = part.partition("=")
        if not (name and equals and value) or " " in name:
            raise fail("CFG-011", option, f"{part!r} is not NAME=VALUE, as in group=tle")
        if where.setdefault(name, value) != value:
            raise fail("CFG-011", option, f"{name} is asked to be {where[name]} and {value}")
    return where


def possible(asked: Mapping[str, str], conditions: Conditions, where: str) -> dict[str, str]:
    """``asked`` of a person who can exist: who has a side is a patient, where no group is named.

    Raises:
        TlesynthError: CFG-011 for a healthy control with a side.
    """
    if "group" not in conditions.names or is_missing(asked.get("side", "")):
        return dict(asked)
    group = asked.get("group", "tle")
    if group == "hc":
        raise fail("CFG-011", where, f"side={asked['side']} of a healthy control: only patients have a side")
    return {"group": group, **asked}


def _sided(asked: list[dict[str, str]], conditions: Conditions, counts: Mapping[str, int]) -> list[dict[str, str]]:
    """The same with a side for every patient whose side is left open, in the proportion of the training set."""
    left, right = (counts.get(f"tle-{side}", 0) for side in ("left", "right"))
    if "side" not in conditions.names or not left + right:
        return asked
    open_ones = [one for one in asked if one.get("group") == "tle" and "side" not in one]
    sides = iter(_spread(len(open_ones), left / (left + right)))
    return [
        one | {"side": "left" if next(sides) else "right"} if one.get("group") == "tle" and "side" not in one else one
        for one in asked
    ]


def _spread(n: int, share: float) -> list[bool]:
    """``n`` answers of which ``share`` are yes, spread evenly: after k there are k * share, rounded down."""
    return [int((i + 1) * share + 1e-9) > int(i * share + 1e-9) for i in range(n)]


def _named(asked: list[dict[str, str]]) -> list[Subject]:
    counts: dict[str, int] = {}
    subjects = []
    for one in asked:
        kind = NAMES.get(one.get("group", ""), "")
        counts[kind] = counts.get(kind, 0) + 1
        subjects.append(Subject(f"sub-syn{kind}{counts[kind]:04d}", one))
    return subjects
