"""Reading a raw cohort: which scan belongs to whom, and what its tables say about them.

Real tables have byte order marks, Windows line ends, ``n/a`` and subjects without scans. A group is never guessed: a
value the recipe does not name stops the run and is listed. Nothing below ``derivatives/`` is read but brain masks.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from tlesynth.data.cohort import LEAST_PER_GROUP
from tlesynth.data.sources.foreign import explain
from tlesynth.data.sources.found import Scan, Skipped, Survey, Undeclared
from tlesynth.data.sources.manifest import survey_manifest
from tlesynth.data.sources.meaning import read_people
from tlesynth.data.sources.privacy import require_nameless, suspicious_columns
from tlesynth.data.sources.scans import brain_masks, find
from tlesynth.errors import fail
from tlesynth.recipe import Labels

SEXES = {"m": "M", "male": "M", "f": "F", "female": "F"}
MANIFESTS = (".csv", ".tsv")

__all__ = [
    "SEXES",
    "Scan",
    "Skipped",
    "Survey",
    "find_scans",
    "read_bids",
    "read_description",
    "require_classes",
    "survey",
]


def read_bids(root: Path, labels: Labels) -> list[Scan]:
    """The usable T1-weighted scans of a cohort, one per participant. Raises as ``survey`` does."""
    return list(survey(root, labels).scans)


def survey(root: Path, labels: Labels, carried: tuple[str, ...] = ()) -> Survey:
    """Match the scans of a BIDS folder with its tables, or read a manifest (``root`` is then a CSV or TSV file).

    Of several T1w one is taken by the rule in ``sources/scans.py``; the choice is recorded. Of the tables' other
    columns only those ``carried`` go on with a scan.

    Raises:
        TlesynthError: DATA-001 if metadata cannot be read, DATA-002 if there is no T1w, DATA-003 if the group column or
            one of its values is unknown, DATA-004 if the rows of a participant contradict each other, DATA-009 if two
            participants differ only in case, DATA-015 if DICOM files were given, PRIV-001 if a carried column may
            identify a person.
    """
    root = Path(root)
    if root.is_file() and root.suffix.lower() in MANIFESTS:
        return survey_manifest(root, labels, carried)
    notes = [] if read_description(root) else ["dataset_description.json is missing"]
    found = find(root.absolute(), labels.session)
    if not found.chosen:
        raise explain(root)
    people = read_people(root, labels, carried)
    require_nameless(people)
    names = sorted(set(found.chosen) | set(found.without) | people.ids)
    _check_case(names, root)
    masks = brain_masks(root.absolute(), found.chosen)
    scans, skipped, undeclared = [], [], Counter()
    for name in names:
        choice = found.chosen.get(name)
        person = people.person(name, choice.session if choice else "")
        if person.group is None and person.why:
            skipped.append(Skipped(name, "DATA-006", person.why))
        elif choice is None or person.group is None:
            skipped.append(Skipped(name, *found.without.get(name, ("DATA-006", "it has no T1-weighted scan"))))
        else:
            undeclared.update(person.undeclared)
            told = (person.side, person.hs, person.age, person.sex, person.site)
            scans.append(Scan(name, choice.path, person.group, *told, masks.get(name), person.carried))
    return Survey(
        scans=tuple(scans),
        skipped=tuple(skipped),
        root=root,
        choices=tuple((name, choice.why) for name, choice in sorted(found.chosen.items()) if choice.why),
        notes=(*notes, *found.notes, *people.notes, *filter(None, [people.repeated()])),
        undeclared=tuple(Undeclared(c, v, n) for (c, v), n in sorted(undeclared.items())),
        private=tuple(suspicious_columns(people.tables, labels)),
    )


def require_classes(groups: list[str], where: Path) -> None:
    """Refuse a cohort that cannot be learned from.

    Raises:
        TlesynthError: DATA-008 if hc or tle has fewer than 4 participants.
    """
    counts = Counter(groups)
    if min(counts["hc"], counts["tle"]) < LEAST_PER_GROUP:
        raise fail("DATA-008", where, f"hc {counts['hc']}, tle {counts['tle']}")


def find_scans(root: Path) -> dict[str, Path]:
    """The T1-weighted scan of each participant_id below ``root``.

    Raises:
        TlesynthError: DATA-001 if dataset_description.json is damaged, DATA-002 if no scan is found, DATA-015 if DICOM
            files were given.
    """
    root = Path(root)
    read_description(root)
    chosen = find(root.absolute()).chosen
    if not chosen:
        raise explain(root)
    return {name: choice.path for name, choice in chosen.items()}


def read_description(root: Path) -> dict[str, Any]:
    """dataset_description.json; empty where there is none.

    Raises:
        TlesynthError: DATA-001, with line and column, if it is not a JSON object in UTF-8.
    """
    path = root / "dataset_description.json"
    try:
        values = json.loads(path.read_bytes().decode("utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except UnicodeDecodeError as error:
        raise fail("DATA-001", path, "it is not UTF-8") from error
    except (OSError, ValueError) as error:
        raise fail("DATA-001", path, str(error)) from error
    if not isinstance(values, dict):
        raise fail("DATA-001", path, "it is not a JSON object")
    return values


def _check_case(names: list[str], root: Path) -> None:
    alike = defaultdict(list)
    for name in names:
        alike[name.casefold()].append(name)
    for same in alike.values():
        if len(same) > 1:
            raise fail("DATA-009", root, " and ".join(same))
