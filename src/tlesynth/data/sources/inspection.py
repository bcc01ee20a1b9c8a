"""What a cohort holds, told before anything is computed: who, how many, what is missing, what would be left out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from tlesynth.data.cohort import GROUPS, LEAST_PER_GROUP
from tlesynth.data.sources.bids import read_description, survey
from tlesynth.data.sources.found import Scan, Survey
from tlesynth.data.sources.meaning import read_people
from tlesynth.data.sources.privacy import suspicious_keys
from tlesynth.data.sources.proposals import proposals
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Labels
from tlesynth.volume import Look, look

OBLIQUE = 1.0
"""Degrees of tilt worth telling."""
UNKNOWN = "unknown"

Track = Callable[[Iterable[Scan], str, int], Iterable[Scan]]


@dataclass(frozen=True)
class Ages:
    """Ages in years of the participants that have one."""

    count: int
    mean: float
    least: float
    most: float


@dataclass(frozen=True)
class Exclusion:
    """Participants that would be left out for one reason."""

    code: str
    reason: str
    participants: tuple[str, ...]


@dataclass(frozen=True)
class Headers:
    """What the headers say: how many scans have which axes, voxel size and shape, and how many have which note."""

    orientations: dict[str, int]
    voxel_sizes: dict[str, int]
    shapes: dict[str, int]
    oblique: int
    steepest: float
    """Degrees."""
    notes: dict[str, int]
    private_keys: dict[str, int]
    """Keys of JSON sidecars that may identify a person."""


@dataclass(frozen=True)
class Inspection:
    """What ``inspect`` found; tables count participants, the inner ones by group (hc, tle)."""

    name: str
    problem: str = ""
    """The error that would stop preprocess, or nothing."""
    groups: dict[str, int] = field(default_factory=dict)
    sides: dict[str, int] = field(default_factory=dict)
    """Of the patients."""
    sclerosis: dict[str, int] = field(default_factory=dict)
    """Of the patients."""
    sexes: dict[str, dict[str, int]] = field(default_factory=dict)
    sites: dict[str, dict[str, int]] = field(default_factory=dict)
    ages: dict[str, Ages] = field(default_factory=dict)
    excluded: tuple[Exclusion, ...] = ()
    choices: tuple[tuple[str, str], ...] = ()
    brain_masks: int = 0
    undeclared: tuple[tuple[str, str, int], ...] = ()
    """Column, value, participants: text that the labels do not mention and that counts as unknown."""
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    proposals: tuple[str, ...] = ()
    headers: Headers | None = None

    @property
    def usable(self) -> bool:
        """Whether there is at least one scan that preprocess would take."""
        return not self.problem and sum(self.groups.values()) > 0


def inspect(root: Path, labels: Labels, *, headers: bool = True, track: Track = lambda scans, *_: scans) -> Inspection:
    """Look at a BIDS folder or a manifest; ``headers`` also opens every scan and reads its first 540 bytes.

    What would stop preprocess does not stop this: it becomes ``problem``, with proposals.

    Raises:
        TlesynthError: DATA-002 or DATA-015 if there is no scan and no table to look at.
    """
    root = Path(root)
    try:
        description = read_description(root)
        found = survey(root, labels)
    except TlesynthError as error:
        if error.code in ("DATA-002", "DATA-015") and not any((root / name).is_file() for name in labels.table):
            raise
        description = _said(root)
        hints = proposals(root, description, labels)
        notes = _told_by_tables(root, labels) if error.code == "DATA-002" else ()
        return Inspection(_title(description, root), str(error), notes=notes, proposals=tuple(hints))
    seen = _look_at_all(found, track) if headers else None
    kept = seen.kept if seen else found.scans
    counts = _counted(kept, _title(description, root))
    refused = [(s.participant_id, s.code, s.why) for s in found.skipped] + (seen.refused if seen else [])
    warnings = _warnings(kept) + [f"PRIV-001 {line}" for line in found.private]
    return replace(
        counts,
        excluded=_grouped(refused),
        choices=found.choices,
        undeclared=tuple((u.column, u.value, u.count) for u in found.undeclared),
        notes=(*filter(None, [labels.about]), *found.notes),
        warnings=tuple(warnings),
        proposals=tuple(line for line in proposals(root, description, labels) if not kept or line.startswith("this")),
        headers=seen.headers() if seen else None,
    )


def _told_by_tables(root: Path, labels: Labels) -> tuple[str, ...]:
    """The groups of a folder that has its tables but not its scans."""
    try:
        people = read_people(root, labels)
        persons = [people.person(name) for name in people.ids]
    except TlesynthError as error:
        return (str(error),)
    counts = Counter(person.group or "left out" for person in persons)
    return (f"its tables list {len(persons)} participants: {', '.join(f'{k} {n}' for k, n in sorted(counts.items()))}",)


def _said(root: Path) -> dict[str, str]:
    try:
        return read_description(root)
    except TlesynthError:
        return {}


def _title(description: dict[str, str], root: Path) -> str:
    return str(description.get("Name") or root.absolute().name)


def _counted(scans: tuple[Scan, ...], name: str) -> Inspection:
    patients = [scan for scan in scans if scan.group == "tle"]
    ages = {}
    by_group = {group: [scan for scan in scans if scan.group == group] for group in GROUPS}
    for group, members in by_group.items():
        known = [scan.age for scan in members if scan.age is not None]
        if known:
            ages[group] = Ages(len(known), round(float(np.mean(known)), 1), min(known), max(known))
    return Inspection(
        name,
        groups={group: len(members) for group, members in by_group.items()},
        sides=_count(scan.side for scan in patients),
        sclerosis=_count(scan.hs for scan in patients),
        sexes={group: _count(scan.sex for scan in members) for group, members in by_group.items() if members},
        sites={group: _count(scan.site for scan in members) for group, members in by_group.items() if members},
        ages=ages,
        brain_masks=sum(scan.brain_mask is not None for scan in scans),
    )


def _warnings(scans: tuple[Scan, ...]) -> list[str]:
    counts = Counter(scan.group for scan in scans)
    names = {"hc": "controls", "tle": "patients"}
    warnings = [f"there are no {names[g]} here: training needs both groups" for g in GROUPS if scans and not counts[g]]
    few = [g for g in GROUPS if 0 < counts[g] < LEAST_PER_GROUP]
    warnings += [f"too few {names[g]} ({counts[g]}): each group needs at least {LEAST_PER_GROUP}" for g in few]
    groups_of = defaultdict(set)
    for scan in scans:
        groups_of[scan.site].add(scan.group)
    if len(groups_of) > 1 and counts["hc"] and counts["tle"] and all(len(g) == 1 for g in groups_of.values()):
        warnings.append("every site has one group only: a classifier can learn the scanner instead of the disease")
    late = sum("_ses-post" in scan.path.name or "_ses-follow" in scan.path.name for scan in scans)
    if late:
        warnings.append(f"{late} scans were taken after an operation or at follow-up, by the name of their session")
    return warnings


@dataclass
class _Seen:
    """What looking at every header found."""

    kept: tuple[Scan, ...] = ()
    looks: list[Look] = field(default_factory=list)
    refused: list[tuple[str, str, str]] = field(default_factory=list)
    keys: Counter[str] = field(default_factory=Counter)

    def headers(self) -> Headers:
        """The looks, counted."""
        sizes = (" x ".join(f"{s:.3g}" for s in seen.spacing) + " mm" for seen in self.looks)
        notes = Counter(_kind(note) for seen in self.looks for note in seen.notes)
        tilts = [seen.tilt for seen in self.looks]
        return Headers(
            orientations=_count(seen.orientation for seen in self.looks),
            voxel_sizes=_count(sizes),
            shapes=_count(" x ".join(map(str, seen.shape)) for seen in self.looks),
            oblique=sum(tilt > OBLIQUE for tilt in tilts),
            steepest=round(max(tilts, default=0.0), 1),
            notes=dict(notes.most_common()),
            private_keys=dict(self.keys.most_common()),
        )


def _look_at_all(found: Survey, track: Track) -> _Seen:
    seen, kept = _Seen(), []
    for scan in track(found.scans, "reading headers", len(found.scans)):
        try:
            seen.looks.append(look(scan.path))
        except TlesynthError as error:
            seen.refused.append((scan.participant_id, error.code, error.why))
        else:
            kept.append(scan)
            seen.keys.update(suspicious_keys(scan.path))
    seen.kept = tuple(kept)
    return seen


def _kind(note: str) -> str:
    """A note without its figures, so that scans with the same trouble count together."""
    return "sform and qform differ; the sform is used" if note.startswith("sform and qform differ") else note


def _grouped(refused: list[tuple[str, str, str]]) -> tuple[Exclusion, ...]:
    """By code and reason, the most frequent first; what is wrong with volumes goes by code, with one example."""
    members = defaultdict(list)
    for participant_id, code, why in refused:
        members[code, "" if code.startswith("NII") else why].append((participant_id, why))
    rows = []
    for (code, _), found in members.items():
        reasons = sorted({why for _, why in found})
        reason = reasons[0] + (" and others like it" if len(reasons) > 1 else "")
        rows.append(Exclusion(code, reason, tuple(sorted(name for name, _ in found))))
    return tuple(sorted(rows, key=lambda row: (-len(row.participants), row.code, row.reason)))


def _count(values: Iterable[str | None]) -> dict[str, int]:
    return dict(Counter(value or UNKNOWN for value in values).most_common())
