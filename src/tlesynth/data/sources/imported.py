"""Finding what CAT12 or SPM wrote: ``wm*`` (T1), ``mwp1*`` (modulated grey matter), ``s10mwp1*`` (the same, smoothed).

The files may lie in one folder, in ``mri/`` subfolders, or in a BIDS derivative. Who is who says participants.tsv, as
for raw scans.
"""

from __future__ import annotations

import re
from pathlib import Path

from tlesynth.data.sources.found import Scan, Skipped, Survey
from tlesynth.data.sources.meaning import read_people
from tlesynth.data.sources.privacy import require_nameless
from tlesynth.errors import fail
from tlesynth.recipe import Labels

KINDS = {"t1": r"wm(?!wp|ask)", "gm": r"mw[pc]1", "smoothed-gm": r"s\d*mw[pc]1"}
"""How a file's name begins, by ``preprocess.import_kind``."""
SUBJECT = re.compile(r"sub-[A-Za-z0-9]+")


def find_imported(root: Path, kind: str = "t1") -> list[tuple[str, Path]]:
    """The volumes of one kind below ``root`` as (participant_id, path), sorted; several of one participant all appear.

    The participant is the ``sub-`` label of the file or of a folder above it, else the file's name in letters and
    digits.

    Raises:
        TlesynthError: DATA-002 if there is none.
    """
    root = Path(root)
    name = re.compile(f"{KINDS[kind]}(.+)\\.nii(\\.gz)?")
    found = []
    for path in sorted(p for p in root.rglob("*.nii*") if p.is_file()):
        if match := name.fullmatch(path.name):
            found.append((_participant(path.relative_to(root), match[1]), path))
    if not found:
        wanted = {"t1": "wm*.nii", "gm": "mwp1*.nii", "smoothed-gm": "s*mwp1*.nii"}[kind]
        raise fail("DATA-002", root, f"there is no {wanted} (preprocess.import_kind: {kind})")
    return sorted(found)


def survey_imported(root: Path, labels: Labels, kind: str = "t1", carried: tuple[str, ...] = ()) -> Survey:
    """Match the volumes of one kind with the tables beside them; of several of one participant the first is taken.

    Raises:
        TlesynthError: DATA-002 if there is none, DATA-001, DATA-003, DATA-004 or PRIV-001 as ``survey``.
    """
    root = Path(root)
    chosen: dict[str, list[Path]] = {}
    for name, path in find_imported(root, kind):
        chosen.setdefault(name, []).append(path)
    people = read_people(root, labels, carried)
    require_nameless(people)
    scans, skipped = [], []
    for name in sorted(set(chosen) | people.ids):
        person = people.person(name, "")
        if person.group is None:
            skipped.append(Skipped(name, "DATA-006", person.why or "its group is not known"))
        elif name not in chosen:
            skipped.append(Skipped(name, "DATA-006", f"it has no imported volume of kind {kind}"))
        else:
            told = (person.side, person.hs, person.age, person.sex, person.site)
            scans.append(Scan(name, chosen[name][0], person.group, *told, carried=person.carried))
    several = tuple((n, f"the first of {len(paths)} volumes") for n, paths in sorted(chosen.items()) if len(paths) > 1)
    return Survey(scans=tuple(scans), skipped=tuple(skipped), root=root, choices=several, notes=tuple(people.notes))


def _participant(path: Path, stem: str) -> str:
    for part in (path.name, *reversed(path.parent.parts)):
        if match := SUBJECT.search(part):
            return match[0]
    return "sub-" + re.sub(r"[^A-Za-z0-9]", "", re.sub(r"_T1w$", "", stem))
