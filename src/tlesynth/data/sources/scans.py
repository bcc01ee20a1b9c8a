"""Which T1-weighted scan of a BIDS folder is whose, and which one of several is taken.

The folder is walked by hand, three levels deep: pybids finds the same files (a test compares them), but at 10,000
participants it takes 11 s where this takes a quarter of one, it follows links in circles, and it is silent about what
it leaves out. Nothing below ``derivatives/`` is a scan; a brain mask there counts if it lies in the scan's own space.

Of several scans the choice is, in this order: the first session (those called pre or baseline before others, those
called post or follow-up after them, numbers by their value), then no ``acq-``, then no ``rec-``, then the first of each
by name, then the lowest ``run-``, then the lowest ``echo-``. Contrast-enhanced scans (``ce-``) and phase images
(``part-``) are never taken.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tlesynth.data.sources.foreign import dicom_command, dicom_in
from tlesynth.errors import TlesynthError, fail

SCAN = re.compile(r"^(sub-[0-9A-Za-z]+)((?:_[a-zA-Z]+-[0-9A-Za-z+]+)*)_T1w\.nii(\.gz)?$")
MASK = re.compile(r"^(sub-[0-9A-Za-z]+)((?:_[a-zA-Z]+-[0-9A-Za-z+]+)*)_desc-brain_mask\.nii(\.gz)?$")
NATIVE = ("", "T1w", "orig", "scanner")
"""``space-`` entities of a mask that lies in the scan's own space."""
NOT_ANATOMY = ("phase", "real", "imag")
"""``part-`` entities."""
EARLY, LATE = ("pre", "base", "bl", "initial"), ("post", "follow", "fu", "surg", "late")


@dataclass(frozen=True)
class Choice:
    """The scan taken for a participant, its entities (``run`` -> ``1``), and why, where there were several."""

    path: Path
    entities: dict[str, str]
    why: str = ""

    @property
    def session(self) -> str:
        """The session without ``ses-``, or nothing."""
        return self.entities.get("ses", "")


@dataclass
class Findings:
    """The chosen scan of each participant, participants with a folder but no usable scan, and what was odd."""

    chosen: dict[str, Choice] = field(default_factory=dict)
    without: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Error code and reason."""
    notes: list[str] = field(default_factory=list)


def find(root: Path, session: str = "") -> Findings:
    """Walk ``root`` for the T1w of each participant; ``session`` (with or without ``ses-``) allows only that one."""
    found = Findings()
    base, outside = os.path.realpath(root), 0
    for entry in _sorted(root):
        if not entry.name.startswith("sub-"):
            continue
        try:
            is_folder = entry.is_dir()
        except OSError as error:  # a circle of links
            found.without[entry.name] = ("DATA-014", error.strerror or str(error))
            continue
        if not is_folder:
            if entry.is_symlink():
                found.without[entry.name] = ("DATA-014", "its folder is a link to nothing")
            continue
        files, odd = [], []
        try:
            for candidate in _anatomy(Path(entry.path)):
                outside += _leads_out(candidate.file, base)
                _sort_out(candidate, entry.name, files, odd)
        except TlesynthError as error:
            found.without[entry.name] = (error.code, f"its folder cannot be read: {error.why}")
            continue
        _choose(found, entry.name, files, odd, session.removeprefix("ses-"), root)
    if outside:
        found.notes.append(f"{outside} scans are links that lead out of the folder")
    return found


def brain_masks(root: Path, chosen: dict[str, Choice]) -> dict[str, Path]:
    """A brain mask from ``derivatives`` for each scan that has one: same entities, in the scan's own space.

    Of several pipelines the first by name is taken.
    """
    pipelines = [Path(e.path) for e in _sorted(root / "derivatives") if e.is_dir()]
    masks: dict[str, Path] = {}
    for name, choice in chosen.items():
        inner = f"ses-{choice.session}/anat" if choice.session else "anat"
        found = (mask for pipeline in pipelines for mask in _masks_of(pipeline / name / inner, choice))
        if (mask := next(found, None)) is not None:
            masks[name] = mask
    return masks


def _masks_of(folder: Path, choice: Choice) -> Iterator[Path]:
    for entry in _sorted(folder):
        if (match := MASK.match(entry.name)) is None:
            continue
        entities = _entities(match[2])
        if entities.pop("space", "") in NATIVE and entities == choice.entities:
            yield Path(entry.path)


@dataclass(frozen=True)
class Candidate:
    """A file where a T1w may lie: the session its folder says, and whether that folder is ``anat``."""

    file: os.DirEntry[str]
    session: str
    in_anat: bool


def _anatomy(subject: Path) -> Iterator[Candidate]:
    """Files of ``anat`` and ``ses-*/anat``, and of the folders above them."""
    for entry in _sorted(subject):
        if entry.name == "anat":
            yield from (Candidate(file, "", True) for file in _sorted(Path(entry.path)))
        elif entry.name.startswith("ses-"):
            session = entry.name.removeprefix("ses-")
            for inner in _sorted(Path(entry.path)):
                if inner.name == "anat":
                    yield from (Candidate(file, session, True) for file in _sorted(Path(inner.path)))
                else:
                    yield Candidate(inner, session, False)
        else:
            yield Candidate(entry, "", False)


def _sort_out(candidate: Candidate, subject: str, files: list[Choice], odd: list[str]) -> None:
    name = candidate.file.name
    if "_T1w.nii" not in name:
        return
    match = SCAN.match(name)
    entities = _entities(match[2]) if match else {}
    if match is None:
        odd.append(f"{name} is no BIDS name")
    elif not candidate.in_anat:
        odd.append(f"{name} does not lie in anat/")
    elif match[1] != subject or entities.get("ses", "") != candidate.session:
        where = subject + (f"/ses-{candidate.session}" if candidate.session else "")
        odd.append(f"{name} lies in the folder of {where}")
    elif "ce" in entities:
        odd.append(f"{name} is contrast-enhanced (ce-)")
    elif entities.get("part", "") in NOT_ANATOMY:
        odd.append(f"{name} is a phase image (part-)")
    else:
        files.append(Choice(Path(candidate.file.path), entities))


def _choose(found: Findings, name: str, files: list[Choice], odd: list[str], session: str, root: Path) -> None:
    usable = [file for file in files if session in ("", file.session)]
    if not usable:
        why = "it has no T1-weighted scan" + (f" in ses-{session}" if files else "")
        code = "DATA-006"
        if odd:
            why += f": {'; '.join(odd[:3])}"
        elif not files and (folder := dicom_in(root / name)) is not None:
            code, why = "DATA-015", f"convert them: {dicom_command(folder, root / name / 'anat', name)}"
        found.without[name] = (code, why)
        return
    first, *others = sorted(usable, key=_order)
    why = f"{_told(first)}, not {', '.join(map(_told, others[:3]))}" if others else ""
    why += f" and {len(others) - 3} more" if len(others) > 3 else ""
    if odd:
        why = "; ".join([why or f"{_told(first)} is taken", *odd[:3]])
    found.chosen[name] = Choice(first.path, first.entities, why)


def _told(file: Choice) -> str:
    """What tells a scan from the participant's others."""
    words = " ".join(f"{key}-{value}" for key, value in file.entities.items()) or "the plain T1w"
    return words if file.path.name.endswith(".gz") else f"{words} (.nii)"


def session_order(session: str) -> tuple[int, object]:
    """By which sessions are sorted: early names, then others, then late ones; numbers by value."""
    words = session.lower()
    rank = 0 if words.startswith(EARLY) else 2 if words.startswith(LATE) else 1
    return rank if session else 1, _natural(session)


def _order(file: Choice) -> tuple[object, ...]:
    entities = file.entities
    rest = sorted((k, v) for k, v in entities.items() if k not in ("ses", "acq", "rec", "run", "echo"))
    return (
        *session_order(entities.get("ses", "")),
        entities.get("acq", ""),
        entities.get("rec", ""),
        len(rest),
        str(rest),
        _natural(entities.get("run", "")),
        _natural(entities.get("echo", "")),
        file.path.name,
    )


def _natural(text: str) -> list[tuple[int, int, str]]:
    """A sorting key in which 2 comes before 10."""
    parts = re.split(r"(\d+)", text)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part]


def _entities(text: str) -> dict[str, str]:
    return dict(part.split("-", 1) for part in text.split("_") if part)


def _leads_out(file: os.DirEntry[str], base: str) -> bool:
    if not file.is_symlink() or "_T1w.nii" not in file.name:
        return False
    return not os.path.realpath(file.path).startswith(base + os.sep)


def _sorted(folder: Path) -> list[os.DirEntry[str]]:
    """The entries of a folder by name; none where there is no folder."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise fail("DATA-014" if error.errno == errno.ELOOP else "DATA-006", folder, error.strerror or "") from error
