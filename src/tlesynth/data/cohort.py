"""A cohort on the MNI grid: preprocessed, reconstructed or synthetic volumes as BIDS derivatives.

All three are the same kind of thing, so every later stage reads them through ``read_cohort``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tlesynth import __version__, durable
from tlesynth.errors import TlesynthError, fail
from tlesynth.progress import bar
from tlesynth.volume import GRIDS, Grid, read_on, write
from tlesynth.volume.grid import SPACE

BIDS_VERSION = "1.10.0"
COLUMNS = ("participant_id", "group", "side", "hs", "age", "sex", "site")
GROUPS = ("hc", "tle")
LEAST_PER_GROUP = 4
THUMBNAIL_MM = 6.0
GZIP_TRAILER = 8
"""Bytes at the end of a .gz: the checksum of its content, and the content's length."""
VOLUMES = "volumes.tsv"
LEDGER = ".ledger"
"""Folder of a preprocessed cohort that holds what is ours alone: locks, claims, outcomes, thumbnails."""
MAPS: dict[str, tuple[str, str]] = {
    "gm": ("label-GM_probseg", "Probability of grey matter"),
    "wm": ("label-WM_probseg", "Probability of white matter"),
    "csf": ("label-CSF_probseg", "Probability of cerebrospinal fluid"),
    "mwgm": ("label-GM_desc-modulated_probseg", "Grey matter times the Jacobian determinant: volume is kept"),
    "smwgm": ("label-GM_desc-smoothmodulated_probseg", "Modulated grey matter, smoothed"),
    "jacobian": ("desc-jacobian_morph", "Jacobian determinant of the map from the template to the scan"),
}
"""What may lie beside a T1: the end of its name, and what it is."""
NAME = re.compile(rf"^(sub-[0-9A-Za-z]+)_space-{SPACE}_res-([0-9p]+)_desc-([0-9A-Za-z]+)_T1w\.nii\.gz$")

COLUMN_MEANINGS: dict[str, dict[str, Any]] = {
    "group": {"Description": "Diagnostic group", "Levels": {"hc": "healthy control", "tle": "temporal lobe epilepsy"}},
    "side": {"Description": "Side of the seizure focus", "Levels": {"left": "left", "right": "right"}},
    "hs": {"Description": "Hippocampal sclerosis", "Levels": {"yes": "present", "no": "absent (MRI-negative)"}},
    "age": {"Description": "Age at the scan", "Units": "year"},
    "sex": {"Description": "Sex", "Levels": {"F": "female", "M": "male"}},
    "site": {"Description": "Acquisition site"},
}


@dataclass(frozen=True)
class Cohort:
    """Volumes on one grid with their participants (indexed by participant_id; ``COLUMNS``, then any others)."""

    root: Path
    grid: Grid
    desc: str
    participants: pd.DataFrame

    @property
    def ids(self) -> list[str]:
        """Every participant that has a volume."""
        return list(self.participants.index)

    def of_group(self, group: str) -> list[str]:
        """The participants of one group."""
        return list(self.participants.index[self.participants["group"] == group])

    def measured(self) -> pd.DataFrame:
        """``participants`` with the structures' volumes (mm3) that preprocessing measured, where it did.

        Raises:
            TlesynthError: DATA-001 if volumes.tsv is damaged, or participants.tsv has a column of its names.
        """
        if not (self.root / VOLUMES).is_file():
            return self.participants
        measures = durable.read_table(self.root / VOLUMES).set_index("participant_id")
        if taken := [name for name in measures if name in self.participants]:
            why = f"a column {taken[0]}, as {VOLUMES} has one: rename it"
            raise fail("DATA-001", self.root / "participants.tsv", why)
        return self.participants.join(measures)

    def volume_path(self, participant_id: str) -> Path:
        """Where a participant's T1 lies."""
        return volume_path(self.root, participant_id, self.grid, self.desc)

    def volume(self, participant_id: str) -> np.ndarray:
        """A participant's T1 on [0, 1], background 0: (X, Y, Z) float32."""
        return read_on(self.volume_path(participant_id), self.grid)

    def stamp(self, participant_id: str) -> list[int]:
        """Size of a participant's file and gzip's own checksum of what is in it: another volume has another stamp."""
        with open(self.volume_path(participant_id), "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - GZIP_TRAILER))
            return [size, int.from_bytes(file.read(), "little")]

    def volumes(self, ids: Iterable[str], label: str = "reading volumes") -> np.ndarray:
        """Several T1s in memory: (N, X, Y, Z) float16."""
        ids = list(ids)
        stack = np.empty((len(ids), *self.grid.shape), dtype=np.float16)
        with bar(label, len(ids)) as shown:
            for row, participant_id in enumerate(ids):
                stack[row] = self.volume(participant_id)
                shown.advance()
        return stack

    def thumbnail(self, participant_id: str) -> np.ndarray:
        """A participant's T1 in blocks of 6 mm: (28, 34, 28) float32."""
        kept, path = thumbnail_path(self.root, participant_id), self.volume_path(participant_id)
        if kept.is_file() and kept.stat().st_mtime_ns >= path.stat().st_mtime_ns:
            return np.load(kept, allow_pickle=False).astype(np.float32)
        return thumbnail(self.volume(participant_id), self.grid)

    def brain_mask(self, participant_id: str) -> np.ndarray:
        """Where the T1 is not background: (X, Y, Z) bool."""
        return self.volume(participant_id) > 0


def read_cohort(root: Path) -> Cohort:
    """Read a folder that preprocessing, encoding or sampling wrote.

    Raises:
        TlesynthError: DATA-011 if it is missing, DATA-001 if its table is damaged, DATA-005 if preprocessing left no
            volume in it, DATA-017 if it holds none for another reason: raw scans, above all.
    """
    root = Path(root)
    found = {m[1]: m for m in volumes_in(root).values()}
    if not found:
        raise _without_volumes(root)
    table = durable.read_table(root / "participants.tsv")
    if missing := [c for c in ("participant_id", "group") if c not in table]:
        raise fail("DATA-001", root / "participants.tsv", f"no column {missing[0]}")
    table = table.reindex(columns=list(dict.fromkeys([*COLUMNS, *table.columns]))).set_index("participant_id")
    table["age"] = pd.to_numeric(table["age"], errors="coerce")
    table = table.astype({c: object for c in table.columns if c != "age"}).where(table.notna(), None)
    table["age"] = table["age"].astype(float)
    if unknown := sorted(set(table["group"]) - set(GROUPS), key=str):
        raise fail("DATA-001", root / "participants.tsv", f"group {unknown[0]!r} is neither hc nor tle")
    table = table[table.index.isin(list(found))]
    if table.empty:
        raise fail("DATA-017", root / "participants.tsv", "it lists none of the scans that are there")
    resolution, desc = next(iter(found.values())).group(2, 3)
    grid = next((g for g in GRIDS.values() if g.resolution == resolution), None)
    if grid is None:
        raise fail("NII-030", root, f"no grid has resolution {resolution}")
    return Cohort(root, grid, desc, table)


def volumes_in(root: Path) -> dict[Path, re.Match[str]]:
    """The T1 volumes on any grid below ``root``, sorted, with what their names say (``NAME``)."""
    return {f: match for f in sorted(root.glob("sub-*/anat/*_T1w.nii.gz")) if (match := NAME.match(f.name))}


def _without_volumes(root: Path) -> TlesynthError:
    """Why a folder without a volume on the grid cannot be read."""
    if (root / "outcomes.tsv").is_file():
        return fail("DATA-005", root)
    if raw := next(root.glob("sub-*/**/*_T1w.nii*"), None):
        return fail("DATA-017", root, f"its scans are raw, as {raw.name}")
    if not (root / "participants.tsv").is_file():
        return fail("DATA-011", root / "participants.tsv")
    return fail("DATA-017", root, "there is no scan in it")


def volume_path(root: Path, participant_id: str, grid: Grid, desc: str, suffix: str = "T1w") -> Path:
    """The BIDS derivative name of a volume on the grid."""
    name = f"{participant_id}_space-{SPACE}_res-{grid.resolution}_desc-{desc}_{suffix}.nii.gz"
    return Path(root) / participant_id / "anat" / name


def map_path(root: Path, participant_id: str, grid: Grid, name: str) -> Path:
    """The BIDS derivative name of one of ``MAPS``."""
    file = f"{participant_id}_space-{SPACE}_res-{grid.resolution}_{MAPS[name][0]}.nii.gz"
    return Path(root) / participant_id / "anat" / file


def thumbnail_path(root: Path, participant_id: str) -> Path:
    """Where preprocessing keeps the thumbnail of a T1."""
    return Path(root) / LEDGER / "thumbnails" / f"{participant_id}.npy"


def thumbnail(voxels: np.ndarray, grid: Grid) -> np.ndarray:
    """Means of 6 mm blocks of a volume (X, Y, Z) on ``grid``: (28, 34, 28) float32."""
    side = round(THUMBNAIL_MM / grid.spacing)
    x, y, z = (n // side for n in grid.shape)
    return voxels.astype(np.float32).reshape(x, side, y, side, z, side).mean(axis=(1, 3, 5))


@dataclass(frozen=True)
class CohortWriter:
    """Writes a cohort on the grid, one participant at a time; a volume counts once its sidecar stands."""

    root: Path
    grid: Grid
    desc: str
    title: str
    about: str
    sources: tuple[str, ...] = ()
    license: str = "n/a"

    def write(self, participant_id: str, voxels: np.ndarray, sidecar: dict[str, Any], note: str = "") -> None:
        """Write a T1 on [0, 1] (X, Y, Z) and its sidecar; ``note`` goes into the NIfTI's description field."""
        if voxels.shape != self.grid.shape:
            raise fail("NII-030", participant_id, f"{voxels.shape} voxels, {self.grid.name} has {self.grid.shape}")
        path = volume_path(self.root, participant_id, self.grid, self.desc)
        description = f"tlesynth {__version__} {note or self.desc}"
        write(path, voxels.astype(np.float32), self.grid.affine, description=description, mni=True)
        known = {
            "Description": self.about,
            "SkullStripped": True,
            "Resolution": f"{self.grid.spacing:g} mm isotropic",
            "SpatialReference": f"{SPACE} ({self.grid.name})",
        }
        durable.write_json(_sidecar(path), known | sidecar)

    def write_mask(self, participant_id: str, mask: np.ndarray) -> None:
        """Write a brain mask (X, Y, Z) bool beside the T1."""
        path = volume_path(self.root, participant_id, self.grid, "brain", "mask")
        write(path, mask.astype(np.uint8), self.grid.affine, description="tlesynth brain mask", dtype="uint8", mni=True)
        about = {"Type": "Brain", "RawSources": [], "Resolution": f"{self.grid.spacing:g} mm isotropic"}
        durable.write_json(_sidecar(path), about | {"SpatialReference": f"{SPACE} ({self.grid.name})"})

    def write_map(self, participant_id: str, name: str, voxels: np.ndarray) -> None:
        """Write one of ``MAPS`` (X, Y, Z) beside the T1."""
        path = map_path(self.root, participant_id, self.grid, name)
        dtype = "float32" if name == "jacobian" else "int16"
        write(path, voxels.astype(np.float32), self.grid.affine, description=f"tlesynth {name}", dtype=dtype, mni=True)
        about = {"Description": MAPS[name][1], "Resolution": f"{self.grid.spacing:g} mm isotropic"}
        durable.write_json(_sidecar(path), about | {"SpatialReference": f"{SPACE} ({self.grid.name})"})

    def sidecar(self, participant_id: str) -> dict[str, Any] | None:
        """The sidecar of a finished volume, or nothing."""
        path = volume_path(self.root, participant_id, self.grid, self.desc)
        return durable.read_json(_sidecar(path)) if path.is_file() and _sidecar(path).is_file() else None

    def has(self, participant_id: str) -> bool:
        """Whether a participant is finished."""
        return self.sidecar(participant_id) is not None

    def finish(self, participants: pd.DataFrame) -> None:
        """Write the description and the README, then participants.tsv (index participant_id) and its dictionary."""
        write_dataset_description(self.root, self.title, "derivative", self.about, self.sources, self.license)
        write_participants(self.root, participants)


def write_participants(root: Path, participants: pd.DataFrame) -> None:
    """Write participants.tsv and participants.json from a table indexed by participant_id."""
    table = participants.rename_axis("participant_id").reset_index()
    own = [c for c in COLUMNS if c in table]
    table = table[own + [c for c in table.columns if c not in own]]
    durable.write_table(Path(root) / "participants.tsv", table)
    meanings = {c: COLUMN_MEANINGS.get(c, {"Description": f"{c}, as the source names it"}) for c in table.columns[1:]}
    durable.write_json(Path(root) / "participants.json", meanings)


def write_dataset_description(
    root: Path, title: str, kind: str, about: str, sources: tuple[str, ...] = (), license: str = "n/a"
) -> None:
    """Write dataset_description.json (``kind`` raw or derivative) and a README."""
    description: dict[str, Any] = {
        "Name": title,
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": kind,
        "License": license,
        "Authors": ["tlesynth", "the run's owner"],
        "GeneratedBy": [{"Name": "tlesynth", "Version": __version__, "Description": about}],
    }
    if sources:
        description["SourceDatasets"] = [{"URL": source} for source in sources]
    durable.write_json(Path(root) / "dataset_description.json", description)
    durable.write_text(Path(root) / "README.md", f"# {title}\n\n{about}\n\nWritten by tlesynth {__version__}.\n")


def _sidecar(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(".nii.gz") + ".json")
