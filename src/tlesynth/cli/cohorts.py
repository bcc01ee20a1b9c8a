"""``inspect`` tells what a cohort holds before anything is computed."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tlesynth import recipe as recipes
from tlesynth.cli.options import AsJson, Labels, Override, RecipeName, settings
from tlesynth.errors import INPUT, REGISTRY, printable
from tlesynth.progress import track

if TYPE_CHECKING:
    from tlesynth.data.sources.inspection import Exclusion, Headers, Inspection

NAMED, LISTED = 5, 8
"""Participants named for a reason; values listed of one kind."""
WIDTH = 120
"""Columns of a participant's line; ``--json`` has all of it."""


def inspect(
    bids: Annotated[Path, typer.Argument(metavar="BIDS_DIR", help="BIDS folder, or a manifest.csv (path, group).")],
    labels: Labels = None,
    recipe: RecipeName = "paper",
    override: Override = None,
    headers: Annotated[bool, typer.Option("--headers/--no-headers", help="Read the header of every scan.")] = True,
    as_json: AsJson = False,
) -> None:
    """Tell who is in a cohort, what is missing and what would be left out, before anything is computed.

    Example: tlesynth inspect my_bids --labels ds004469
    """
    loaded = recipes.load(recipe, [*settings(labels__like=labels), *(override or [])])
    from tlesynth.data.sources.inspection import inspect as look_at

    found = look_at(bids, loaded.labels, headers=headers, track=track)
    if as_json:
        typer.echo(json.dumps(asdict(found) | {"usable": found.usable}, ensure_ascii=False))
    else:
        typer.echo("\n".join(printable(line) for line in _lines(found)))
    if not found.usable:
        raise typer.Exit(INPUT)


def _lines(found: Inspection) -> list[str]:
    lines = [found.name]
    if found.problem:
        more = [f"note: {line}" for line in found.notes] + [f"try: {line}" for line in found.proposals]
        return [*lines, found.problem, *more]
    lines += [f"  {group:<11} {_group(found, group)}" for group in found.groups]
    if found.groups.get("tle"):
        lines.append(f"  side        {_counts(found.sides)}")
        lines.append(f"  sclerosis   {_counts(found.sclerosis)}")
    if any(set(counts) != {"unknown"} for counts in found.sites.values()):
        lines += [f"  site ({group})".ljust(14) + _counts(counts) for group, counts in found.sites.items()]
    if found.brain_masks:
        lines.append(f"  masks       {found.brain_masks} scans have a brain mask in derivatives")
    lines += _headers(found.headers) if found.headers and found.headers.shapes else []
    out = sum(len(row.participants) for row in found.excluded)
    lines.append(f"left out: {out}" if out else "left out: none")
    lines += [line for row in found.excluded for line in _exclusion(row)]
    if found.choices:
        lines.append(f"chosen among several: {len(found.choices)}")
        lines += [_clipped(f"  {name}: {why}") for name, why in found.choices[:NAMED]]
        lines += _more(len(found.choices), NAMED)
    for column, value, count in found.undeclared:
        lines.append(f"unknown: column {column!r} holds {value!r} ({count}), which labels do not mention")
    lines += [f"warning: {line}" for line in found.warnings]
    lines += [f"note: {line}" for line in found.notes]
    lines += [f"try: {line}" for line in found.proposals]
    return lines


def _group(found: Inspection, group: str) -> str:
    parts = [str(found.groups[group])]
    if ages := found.ages.get(group):
        parts.append(f"age {ages.mean:g} ({ages.least:g} to {ages.most:g})")
        if ages.count < found.groups[group]:
            parts.append(f"{found.groups[group] - ages.count} without age")
    elif found.groups[group]:
        parts.append("age unknown")
    if found.groups[group]:
        parts.append(f"sex {_counts(found.sexes[group])}")
    return ", ".join(parts)


def _headers(headers: Headers) -> list[str]:
    tilted = f"; {headers.oblique} oblique, by {headers.steepest:g} degrees at most" if headers.oblique else ""
    lines = [
        f"  axes        {_counts(headers.orientations)}{tilted}",
        f"  voxels      {_counts(headers.voxel_sizes)}",
        f"  shape       {_counts(headers.shapes)}",
    ]
    lines += [f"  header      {count}: {note}" for note, count in headers.notes.items()]
    if headers.private_keys:
        lines.append(f"  PRIV-001    JSON sidecars hold {_counts(headers.private_keys)}")
    return lines


def _exclusion(row: Exclusion) -> list[str]:
    named = ", ".join(row.participants[:NAMED])
    rest = len(row.participants) - NAMED
    what = REGISTRY[row.code].what
    reason = row.reason if row.reason and row.code.startswith("DATA") else ": ".join(filter(None, [what, row.reason]))
    return [
        f"  {row.code}  {len(row.participants)}: {reason}",
        f"            {named}{f' and {rest} more' if rest > 0 else ''}",
    ]


def _more(count: int, shown: int) -> list[str]:
    return [f"  and {count - shown} more"] if count > shown else []


def _clipped(line: str) -> str:
    return line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"


def _counts(counts: dict[str, int]) -> str:
    shown = ", ".join(f"{name} {n}" for name, n in list(counts.items())[:LISTED])
    return shown + (f" and {len(counts) - LISTED} more kinds" if len(counts) > LISTED else "") if counts else "none"
