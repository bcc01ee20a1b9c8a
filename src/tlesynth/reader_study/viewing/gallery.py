"""What there is to look at: a cohort, perhaps another beside it, perhaps a film; and its volumes as bytes."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tlesynth import durable
from tlesynth.data.cohort import Cohort, read_cohort, volume_path
from tlesynth.errors import fail
from tlesynth.progress import say
from tlesynth.reader_study.pictures import Bytes3D, strip_webp
from tlesynth.volume import GRIDS, Grid, read, read_on

PLACES_MM = {"coronal": -21.0, "sagittal": -27.0, "axial": -15.0}
"""Slices of the thumbnails and the film: through the hippocampi, the left one, both temporal lobes."""
AXIS = {"sagittal": 0, "coronal": 1, "axial": 2}
RUN = "recipe.yaml"
"""What only a run folder holds."""
DIFFERENCES = "differences"
"""Where ``counterfactual`` keeps what it changed."""
KEPT_VOLUMES, KEPT_PICTURES = 12, 4096
WORDS = {"hc": "healthy control", "tle": "TLE"}

Floats3D = NDArray[np.float32]


@dataclass(frozen=True)
class Frame:
    """One moment of the film."""

    timestep: int
    file: Path
    condition: str


@dataclass(frozen=True)
class Gallery:
    """Cohorts by the name their volumes are asked for by (``cohort``, ``beside``), and the frames of a film."""

    cohorts: dict[str, Cohort]
    frames: tuple[Frame, ...]

    @property
    def grid(self) -> Grid:
        """The grid of the first cohort, which the other has to share."""
        return self.cohorts["cohort"].grid

    def has(self, which: str, participant: str) -> bool:
        """Whether there is such a volume: nothing else that a client names becomes part of a path."""
        return which in self.cohorts and participant in self.cohorts[which].participants.index

    def cards(self) -> list[dict[str, Any]]:
        """Every participant of the first cohort: id, group, side, words, and whether it is in the other too."""
        table = self.cohorts["cohort"].participants
        beside = set(self.cohorts["beside"].ids) if "beside" in self.cohorts else set()
        return [_card(str(name), row, name in beside) for name, row in table.iterrows()]


def of_run(folder: Path, beside: Path | None) -> tuple[Path, Path | None]:
    """The cohort to show and the one beside it: of a run its derivatives and, unless told otherwise, what the
    autoencoder makes of them; of a cohort itself."""
    folder = Path(folder)
    if not (folder / RUN).is_file() or (folder / "participants.tsv").is_file():
        return folder, beside
    rebuilt = folder / "reconstructions"
    beside = beside or (rebuilt if (rebuilt / "participants.tsv").is_file() else None)
    shown = f"{folder / 'derivatives'}{f' beside {beside}' if beside else ''}"
    say(f"note: of the run, {shown}; its synthetic scans are in {folder / 'synthetic'}")
    return folder / "derivatives", beside


def open_gallery(cohort: Path, beside: Path | None = None, film: Path | None = None) -> Gallery:
    """Read the tables of what is to be shown; volumes are read when they are looked at.

    A film is looked for beside the cohort where ``film`` is not given.

    Raises:
        TlesynthError: NII-030 if the cohorts are on different grids, DATA-011 if a given film is not there, or what
            reading a cohort raises.
    """
    cohorts = {"cohort": read_cohort(cohort)}
    if beside is not None:
        cohorts["beside"] = read_cohort(beside)
        if cohorts["beside"].grid != cohorts["cohort"].grid:
            raise fail("NII-030", beside, f"it is on {cohorts['beside'].grid.name}")
    found = film or Path(cohort).resolve().parent / "film"
    frames = _frames(found) if film is not None or (found / "film.json").is_file() else ()
    return Gallery(cohorts, frames)


def _frames(film: Path) -> tuple[Frame, ...]:
    about = durable.read_json(film / "film.json")
    try:
        frames = [
            Frame(int(f["timestep"]), film / Path(str(f["file"])).name, str(f["condition"])) for f in about["frames"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise fail("DATA-001", film / "film.json", f"{type(error).__name__}: {error}") from error
    return tuple(sorted(frames, key=lambda frame: -frame.timestep))


class Shelf:
    """The volumes of a gallery, the last few of them kept in memory."""

    def __init__(self, gallery: Gallery) -> None:
        self.gallery = gallery
        self.volume = functools.lru_cache(KEPT_VOLUMES)(self._volume)
        self.thumbnail = functools.lru_cache(KEPT_PICTURES)(self._thumbnail)
        self.frame = functools.lru_cache(len(gallery.frames) or 1)(self._frame)

    def _volume(self, which: str, participant: str) -> Floats3D:
        """A participant's T1 on [0, 1] (X, Y, Z)."""
        return self.gallery.cohorts[which].volume(participant)

    def bytes_of(self, which: str, participant: str) -> Bytes3D:
        """The same in 8 bits."""
        return _bytes(self.volume(which, participant))

    def difference(self, left: tuple[str, str], right: tuple[str, str]) -> Floats3D:
        """``right`` minus ``left``; of a counterfactual and its own scan, what ``counterfactual`` wrote.

        That is counterfactual minus reconstruction: what the autoencoder loses is no difference.
        """
        cohort = self.gallery.cohorts[right[0]]
        written = volume_path(cohort.root / DIFFERENCES, right[1], cohort.grid, cohort.desc, "difference")
        if left[0] != right[0] and left[1] == right[1] and written.is_file():
            return read_on(written, cohort.grid)
        return self.volume(*right) - self.volume(*left)

    def _thumbnail(self, which: str, participant: str) -> bytes:
        return strip_webp(self.bytes_of(which, participant), _places(self.gallery.grid))

    def _frame(self, number: int) -> bytes:
        """Three planes of a frame of the film as WebP; decoded noise may leave [0, 1]."""
        voxels = np.nan_to_num(read(self.gallery.frames[number].file).voxels)
        grid = next((grid for grid in GRIDS.values() if grid.shape == voxels.shape), None)
        if grid is None:
            raise fail("NII-030", self.gallery.frames[number].file, f"{voxels.shape} voxels")
        return strip_webp(_bytes(voxels), _places(grid), height=340)


def nifti(voxels: np.ndarray, grid: Grid) -> bytes:
    """``voxels`` (X, Y, Z), uint8 or float32, as a plain NIfTI with nothing in its header but the grid."""
    import nibabel as nib

    image = nib.Nifti1Image(np.asfortranarray(voxels), grid.affine)
    image.set_sform(grid.affine, 4)
    image.set_qform(grid.affine, 4)
    image.header.set_xyzt_units("mm")
    return image.to_bytes()


def _bytes(voxels: np.ndarray) -> Bytes3D:
    return (np.clip(voxels, 0, 1) * 255).round().astype(np.uint8)


def _places(grid: Grid) -> dict[str, int]:
    return {plane: grid.index(AXIS[plane], millimetres) for plane, millimetres in PLACES_MM.items()}


def _card(name: str, row: Any, paired: bool) -> dict[str, Any]:
    side = row["side"] if isinstance(row["side"], str) else ""
    words = f"{side} {WORDS[row['group']]}" if side else WORDS[row["group"]]
    return {"id": name, "group": row["group"], "side": side, "words": words, "paired": paired}
