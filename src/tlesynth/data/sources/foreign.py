"""What was given instead of a BIDS folder, and what to do about it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from tlesynth.errors import TlesynthError, fail

MOST = 500
"""Entries looked at before giving up."""
DICOM_NAMES = (".dcm", ".ima", ".dicom")


def explain(root: Path) -> TlesynthError:
    """The error for a path without a T1-weighted scan: DATA-015 for DICOM, else DATA-002, with what was found."""
    if not root.exists():
        return fail("DATA-002", root, "there is no such folder")
    if not root.is_dir():
        return fail("DATA-002", root, "it is a file, and no manifest (.csv or .tsv)")
    if above := next((p for p in (root, *root.absolute().parents[:2]) if p.name.startswith("sub-")), None):
        return fail("DATA-002", root, f"found {above.name} itself: give its parent")
    for below in _folders(root):
        if any(inner.name.startswith("sub-") for inner in _folders(Path(below.path))):
            return fail("DATA-002", root, f"the sub-* folders lie in {below.name}: give that folder")
    if (folder := dicom_in(root)) is not None:
        return fail(
            "DATA-015", root, f"convert each series: {dicom_command(folder, root / 'bids/sub-01/anat', 'sub-01')}"
        )
    if any(path.name.endswith((".nii", ".nii.gz")) for path in _files(root)):
        return fail(
            "DATA-002", root, "there are NIfTI files, but not as BIDS: list them in a manifest.csv (path, group)"
        )
    return fail("DATA-002", root)


def dicom_in(folder: Path) -> Path | None:
    """The folder at or below ``folder`` that holds DICOM files, or None; few files of many are looked at."""
    for path in _files(folder):
        if path.suffix.lower() in DICOM_NAMES or path.name == "DICOMDIR" or (not path.suffix and _is_dicom(path)):
            return path.parent
    return None


def dicom_command(folder: Path, anat: Path, name: str) -> str:
    """The command line that makes a T1w of the DICOM files in ``folder``, to be run from the working folder."""
    source, target = (shlex.quote(os.path.relpath(path)) for path in (folder, anat))
    return f"mkdir -p {target} && dcm2niix -b y -z y -f {name}_T1w -o {target} {source}"


def _is_dicom(path: Path) -> bool:
    try:
        if not path.is_file():  # opening a pipe would wait for its writer
            return False
        with open(path, "rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def _files(folder: Path) -> Iterator[Path]:
    """Up to ``MOST`` files below ``folder``; links to folders are not followed."""
    left = MOST
    for inside, _, names in os.walk(folder):
        for name in sorted(names)[:left]:
            yield Path(inside, name)
        left -= len(names)
        if left <= 0:
            return


def _folders(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted((e for e in list(entries)[:MOST] if e.is_dir()), key=lambda e: e.name)
    except OSError:
        return []
