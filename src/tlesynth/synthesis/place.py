"""Whose folder is it? A made cohort replaces nobody's files, and mixes with no other cohort."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from tlesynth import durable
from tlesynth.data.cohort import CohortWriter, volumes_in
from tlesynth.errors import fail

TABLES = {"participants.tsv", "participants.json", "README.md"}
DESCRIPTION = "dataset_description.json"


def require_place(writer: CohortWriter, members: Iterable[str], beside: Iterable[str] = ()) -> None:
    """Refuse a folder in which the cohort of ``members`` would replace something else, or mix with it.

    ``beside`` are the tables and folders that go with it.

    Raises:
        TlesynthError: CFG-005 if the writer's root is a file or holds what no such cohort has, CFG-010 if it holds
            somebody who is none of ``members``.
    """
    root = writer.root
    durable.require_own(root, own=_is_own(writer, set(beside)), otherwise=f", and is no {writer.title}")
    others = sorted({match[1] for match in volumes_in(root).values()} - set(members))
    if others:
        raise fail("CFG-010", root, f"it holds {others[0]}, who is not asked for now")


def _is_own(writer: CohortWriter, beside: set[str]) -> bool:
    """Whether every file below the root is one that a writer of this kind, even a killed one, has left there."""
    scan = re.compile(rf"_res-{writer.grid.resolution}_desc-{writer.desc}_T1w\.(nii\.gz|json)$")
    named = {DESCRIPTION, *TABLES} if _describes(writer.root / DESCRIPTION, writer.title) else set()
    for file in writer.root.rglob("*"):
        first, *below = file.relative_to(writer.root).parts
        if file.is_dir() or first.startswith(".") or first in beside or (not below and first in named):
            continue
        if not (below and first.startswith("sub-") and scan.search(file.name)):
            return False
    return True


def _describes(description: Path, title: str) -> bool:
    found = durable.read_json(description) if description.is_file() else {}
    return isinstance(found, dict) and found.get("Name") == title
