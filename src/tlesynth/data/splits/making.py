"""The split stage: duplicates and patients kept whole, participants shared out, the sites audited.

Beside ``splits.tsv`` it writes ``splits_duplicates.tsv`` and ``splits_sites.json``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tlesynth import durable
from tlesynth.data.cohort import GROUPS, Cohort, read_cohort
from tlesynth.data.sources.bids import require_classes
from tlesynth.data.splits.assignment import assign, read_splits
from tlesynth.data.splits.duplicates import Duplicate, as_table, find_duplicates
from tlesynth.data.splits.given import read_given
from tlesynth.data.splits.sites import audit, hold_out, image_features
from tlesynth.data.splits.units import read_patients, require_one_group, require_whole, units_of
from tlesynth.errors import fail
from tlesynth.progress import track, warn
from tlesynth.recipe import Split

SITES = "sites.json"


def make_splits(derivatives: Path, out: Path, settings: Split, *, seed: int) -> pd.DataFrame:
    """Split the cohort ``derivatives`` and write the table ``out``: participant_id, group, split.

    Raises:
        TlesynthError: CFG-005 if ``out`` is a folder, DATA-007 if a given split parts a patient or a scan, DATA-008 if
            a class has fewer than 4 participants, or none in gen_train or test, DATA-010 if a given split, site or
            table of patients does not fit the cohort, DATA-011 if the cohort is missing, DATA-021 if one scan or
            patient stands under two ids with different groups.
    """
    derivatives, out = Path(derivatives), Path(out)
    if out.is_dir():
        raise fail("CFG-005", out, "it is a folder; name a table such as splits.tsv")
    cohort = read_cohort(derivatives)
    participants = cohort.participants
    require_classes(list(participants["group"]), derivatives)
    brains = thumbnails(cohort)
    duplicates = find_duplicates(cohort, brains)
    durable.write_table(beside(out, "duplicates.tsv"), as_table(duplicates, participants["group"]))
    for pair in duplicates:
        warn(fail("DATA-020", f"{pair.first} and {pair.second}", _words(pair)))
    units = _units(cohort, duplicates, settings)
    require_one_group(units, participants["group"], derivatives)
    chosen = _chosen(cohort, settings, units, seed)
    require_whole(chosen, units, Path(settings.given) if settings.given else out)
    _require_both(chosen, participants["group"], out)
    table = pd.DataFrame({"participant_id": participants.index, "group": participants["group"].to_numpy()})
    table["split"] = chosen[participants.index].to_numpy()
    durable.write_table(out, table)
    read_splits(out, participants.index)
    _audit_sites(cohort, brains, out, seed)
    return table


def _require_both(chosen: pd.Series, groups: pd.Series, out: Path) -> None:
    for split in ("gen_train", "test"):
        here = set(groups[chosen == split])
        if missing := [group for group in GROUPS if group not in here]:
            raise fail("DATA-008", out, f"no {missing[0]} would stand in {split}")


def beside(out: Path, name: str) -> Path:
    """Where a companion of the table ``out`` lies: splits.tsv has splits_duplicates.tsv."""
    return out.with_name(f"{out.stem}_{name}")


def thumbnails(cohort: Cohort) -> np.ndarray:
    """The thumbnails of a cohort in the order of its ids: (N, 28, 34, 28) float32."""
    return np.stack([cohort.thumbnail(i) for i in track(cohort.ids, "comparing scans", len(cohort.ids))])


def _units(cohort: Cohort, duplicates: list[Duplicate], settings: Split) -> pd.Series:
    together = [(pair.first, pair.second) for pair in duplicates]
    if settings.patients:
        together += read_patients(Path(settings.patients), cohort.ids)
    return units_of(cohort.ids, together)


def _chosen(cohort: Cohort, settings: Split, units: pd.Series, seed: int) -> pd.Series:
    if settings.given:
        return read_given(Path(settings.given), cohort.ids, cohort.root)
    if settings.leave_one_site_out:
        return hold_out(cohort.participants, settings, settings.leave_one_site_out, seed=seed, units=units)
    return assign(cohort.participants, settings, seed=seed, units=units)


def _audit_sites(cohort: Cohort, brains: np.ndarray, out: Path, seed: int) -> None:
    path = cohort.root / "qc.tsv"
    quality = durable.read_table(path).set_index("participant_id") if path.is_file() else None
    found = audit(cohort.participants, image_features(brains, quality, cohort.ids), seed=seed)
    durable.write_json(beside(out, SITES), found)
    if found["warning"]:
        warn(fail("DATA-012", "", found["warning"]))


def _words(pair: Duplicate) -> str:
    if pair.how == "voxels":
        return "their scans hold the same voxels"
    return f"their brains correlate by {pair.correlation:.4f}" + (", one mirrored" if pair.how == "mirrored" else "")
