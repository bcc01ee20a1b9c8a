"""Reading a raw BIDS cohort: which scan belongs to whom, and what participants.tsv says about them.

Real tables have byte order marks, Windows line ends, ``n/a`` and subjects without scans. A group is never guessed: a
value the recipe does not name stops the run and is listed. Nothing below ``derivatives/`` is read.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from bids import BIDSLayout
from bids.layout import BIDSFile, BIDSLayoutIndexer

from tlesynth import durable
from tlesynth.data.cohort import LEAST_PER_GROUP
from tlesynth.errors import fail
from tlesynth.recipe import Labels

MISSING = {"", "n/a", "na", "nan", "none"}
SEXES = {"m": "M", "male": "M", "f": "F", "female": "F"}


@dataclass(frozen=True)
class Scan:
    """One T1-weighted scan and its participant; what is not known is None."""

    participant_id: str
    path: Path
    group: str
    side: str | None = None
    hs: str | None = None
    age: float | None = None
    sex: str | None = None
    site: str | None = None


@dataclass(frozen=True)
class Skipped:
    """A participant that cannot be used, and why."""

    participant_id: str
    code: str
    why: str


@dataclass(frozen=True)
class Survey:
    """What a BIDS folder holds: usable scans and skipped participants, each sorted by participant_id."""

    scans: tuple[Scan, ...]
    skipped: tuple[Skipped, ...]


def read_bids(root: Path, labels: Labels) -> list[Scan]:
    """The usable T1-weighted scans of a BIDS folder, one per participant. Raises as ``survey`` does."""
    return list(survey(root, labels).scans)


def survey(root: Path, labels: Labels) -> Survey:
    """Match the scans of a BIDS folder with its participants.tsv.

    Of several T1w the first session's first run is taken; contrast-enhanced ones (``ce-``) never are.

    Raises:
        TlesynthError: DATA-001 if metadata cannot be read, DATA-002 if there is no T1w, DATA-003 if the group column or
            one of its values is unknown, DATA-004 if a participant is listed twice.
    """
    root = Path(root)
    paths = find_scans(root)
    table = _participants(root / "participants.tsv", labels)
    groups = _groups(table, labels, root / "participants.tsv")
    scans, skipped = [], []
    for participant_id in sorted(set(paths) | set(table.index)):
        if participant_id not in table.index:
            skipped.append(Skipped(participant_id, "DATA-006", "it has no row in participants.tsv"))
        elif participant_id not in paths:
            skipped.append(Skipped(participant_id, "DATA-006", "it has no T1-weighted scan"))
        elif (group := groups[participant_id]) is None:
            skipped.append(Skipped(participant_id, "DATA-006", f"its {labels.group_column} is n/a"))
        else:
            scans.append(_scan(participant_id, paths[participant_id], group, table.loc[participant_id], labels))
    return Survey(tuple(scans), tuple(skipped))


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
        TlesynthError: DATA-001 if dataset_description.json is damaged, DATA-002 if no scan is found.
    """
    if not root.is_dir():
        raise fail("DATA-002", root, "there is no such folder")
    description = root / "dataset_description.json"
    if description.exists() and not isinstance(durable.read_json(description, "DATA-001"), dict):
        raise fail("DATA-001", description, "it is not a JSON object")
    indexer = BIDSLayoutIndexer(validate=False, index_metadata=False)
    layout = BIDSLayout(root, validate=False, derivatives=False, indexer=indexer)
    files = layout.get(suffix="T1w", extension=[".nii", ".nii.gz"])
    chosen: dict[str, BIDSFile] = {}
    for file in sorted((f for f in files if _is_plain(f, root)), key=_order):
        chosen.setdefault(f"sub-{file.entities['subject']}", file)
    if not chosen:
        raise fail("DATA-002", root, f"found {root.name} itself: give its parent" if root.name[:4] == "sub-" else "")
    return {participant_id: Path(str(file.path)) for participant_id, file in chosen.items()}


def _is_plain(file: BIDSFile, root: Path) -> bool:
    inside = Path(str(file.path)).relative_to(root.absolute()).parts
    return "subject" in file.entities and "ceagent" not in file.entities and inside[0] != "derivatives"


def _order(file: BIDSFile) -> tuple[str, str, int, str]:
    entities = file.entities
    return entities["subject"], str(entities.get("session", "")), int(entities.get("run", 0)), str(file.path)


def _participants(path: Path, labels: Labels) -> pd.DataFrame:
    """participants.tsv as text indexed by participant_id; cells are stripped, what is missing is None."""
    if not path.is_file():
        raise fail("DATA-001", path, "the file is missing; it must say who is hc and who is tle")
    table = durable.read_table(path)
    if not isinstance(table.index, pd.RangeIndex):
        raise fail("DATA-001", path, "its rows have more cells than its header")
    table.columns = [str(column).strip() for column in table.columns]
    for column in ("participant_id", labels.group_column):
        if column not in table:
            code = "DATA-003" if "participant_id" in table else "DATA-001"
            raise fail(
                code, path, f"it has no column {column!r}, only {', '.join(table.columns)} (tabs separate cells)"
            )
    table = table.apply(lambda column: column.map(_cell)).astype(object)
    table = table[table["participant_id"].notna()]
    table["participant_id"] = ["sub-" + str(name).removeprefix("sub-") for name in table["participant_id"]]
    twice = table["participant_id"][table["participant_id"].duplicated()]
    if len(twice):
        raise fail("DATA-004", path, ", ".join(sorted(set(twice))[:5]))
    return table.set_index("participant_id")


def _cell(value: object) -> str | None:
    text = "" if value is None or value != value else str(value).strip()
    return None if text.lower() in MISSING else text


def _groups(table: pd.DataFrame, labels: Labels, path: Path) -> dict[str, str | None]:
    """hc, tle or None of each participant."""
    values = table[labels.group_column]
    known = {**dict.fromkeys(labels.hc, "hc"), **dict.fromkeys(labels.tle, "tle")}
    found = Counter(value for value in values if isinstance(value, str))
    unknown = [value for value in found if value not in known]
    if unknown:
        counts = ", ".join(f"{value!r} {n}" for value, n in sorted(found.items()))
        proposal = "; ".join(_proposal(value) for value in sorted(unknown))
        raise fail("DATA-003", path, f"column {labels.group_column!r} holds {counts}. {proposal}")
    return {str(name): known.get(value) if isinstance(value, str) else None for name, value in values.items()}


def _proposal(value: str) -> str:
    looks = value.casefold()
    healthy = looks[:2] in ("hc", "co", "he", "no", "ct") and "tle" not in looks
    return f"{value!r}: add it to labels.{'hc' if healthy else 'tle'}" + ("" if healthy else ", or remove these rows")


def _scan(participant_id: str, path: Path, group: str, row: pd.Series, labels: Labels) -> Scan:
    patient = group == "tle"
    sides = {**dict.fromkeys(labels.left, "left"), **dict.fromkeys(labels.right, "right")}
    sclerosis = {**dict.fromkeys(labels.hs_yes, "yes"), **dict.fromkeys(labels.hs_no, "no")}
    return Scan(
        participant_id,
        path,
        group,
        side=sides.get(row.get(labels.side_column)) if patient else None,
        hs=sclerosis.get(row.get(labels.hs_column)) if patient else None,
        age=_number(row.get(labels.age_column)),
        sex=SEXES.get(str(row.get(labels.sex_column)).lower()),
        site=row.get(labels.site_column),
    )


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None  # an age bin such as "25 to 29"
