"""Brain pictures of the report: examples, reconstructions, the film of the reverse process, galleries, quality control.

Subjects are the first by identifier or the worst by a table, never picked by eye. Slices are shown in neurological
convention: the patient's left is on the left.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tlesynth.data.cohort import Cohort
from tlesynth.report.pictures import Picture, mapped_picture, slice_picture
from tlesynth.volume import GRIDS, Grid, read

PLANES = {"coronal": 1, "sagittal": 0, "axial": 2}
"""The axis that each plane cuts."""
SEVENTIETH_MM = {"coronal": -14.25, "sagittal": 21.75, "axial": 33.75}
"""World position (mm) of slice 70 on the 1.5 mm grid: the slices of the paper's figure 3."""
HIPPOCAMPAL_MM = {"coronal": -21.0, "sagittal": -27.0, "axial": -15.0}
"""Planes through the body of the left hippocampus in MNI space (mm)."""
ERROR_TOP = 0.25
"""Absolute error (on intensities of 0 to 1) at the bright end of the error maps."""
GROUP_WORDS = {"hc": "healthy control", "tle": "temporal lobe epilepsy"}
CONDITION_WORDS = GROUP_WORDS | {"tle-left": "left temporal lobe epilepsy", "tle-right": "right temporal lobe epilepsy"}


@dataclass(frozen=True)
class Row:
    """A captioned row of pictures."""

    title: str
    pictures: tuple[Picture, ...]
    mark: str = ""
    """``real`` or ``synthetic`` where rows of both stand together."""
    source: str = ""
    """The value that ranks the row, where one does."""


def cut(voxels: np.ndarray, grid: Grid, plane: str, millimetres: float) -> np.ndarray:
    """The slice of (X, Y, Z) nearest to a world coordinate: (X, Z) coronal, (Y, Z) sagittal, (X, Y) axial."""
    return np.take(voxels, grid.index(PLANES[plane], millimetres), axis=PLANES[plane])


def examples(cohort: Cohort) -> Row:
    """Figure 3: three planes of the first subject, at the paper's slice 70."""
    subject = sorted(cohort.ids)[0]
    voxels = cohort.volume(subject)
    pictures = []
    for plane, millimetres in SEVENTIETH_MM.items():
        alt = f"{plane.capitalize()} slice of {subject} at {_at(plane, millimetres)}."
        pictures.append(
            slice_picture(cut(voxels, cohort.grid, plane, millimetres), alt, f"{plane}, {_at(plane, millimetres)}")
        )
    return Row(subject, tuple(pictures))


def reconstructions(original: Cohort, rebuilt: Cohort, subjects: list[str], plane: str) -> list[Row]:
    """Figures 4 to 6: original, reconstruction and absolute error of each subject, through the hippocampus."""
    return [_reconstruction(original, rebuilt, subject, plane) for subject in subjects]


def first_of_each_group(cohort: Cohort, within: set[str] | None = None, count: int = 1) -> list[str]:
    """The first ``count`` subjects of each group by identifier, among ``within`` where given."""
    chosen = []
    for group in GROUP_WORDS:
        ids = sorted(i for i in cohort.of_group(group) if within is None or i in within)
        chosen += ids[:count]
    return chosen


def gallery(real: Cohort, synthetic: Cohort, count: int = 6) -> list[Row]:
    """Coronal slices through the hippocampi: for each group the first real and the first synthetic subjects."""
    rows = []
    for group, words in GROUP_WORDS.items():
        for name, cohort in (("real", real), ("synthetic", synthetic)):
            ids = sorted(cohort.of_group(group))[:count]
            if ids:
                rows.append(Row(words, tuple(_coronal(cohort, i, f"{name} {words}") for i in ids), name))
    return rows


def quality(cohort: Cohort, ranked: list[str], sources: list[str]) -> list[Row]:
    """Three planes of each subject of ``ranked``, worst first, with the source of the value that ranks it."""
    rows = []
    for subject, source in zip(ranked, sources, strict=True):
        voxels = cohort.volume(subject)
        alt = f"{subject} after preprocessing"
        pictures = [
            slice_picture(cut(voxels, cohort.grid, p, mm), f"{alt}, {p}.", height=150)
            for p, mm in HIPPOCAMPAL_MM.items()
        ]
        rows.append(Row(subject, tuple(pictures), source=source))
    return rows


def film(folder: Path, about: dict[str, Any]) -> list[Row]:
    """Figure 7: each frame of the reverse process, from noise to a head, one row for each class.

    ``about`` is film.json: ``frames``, each with ``file``, ``timestep`` and ``condition``.
    """
    rows: dict[str, list[Picture]] = {}
    for frame in about["frames"]:
        volume = read(folder / Path(str(frame["file"])).name)
        grid = _grid_of(volume.voxels.shape)
        moment = f"t = {frame['timestep']}"
        plane = cut(_normalised(volume.voxels), grid, "coronal", HIPPOCAMPAL_MM["coronal"])
        kind, *others = str(frame.get("condition", "")).split(", ")
        title = ", ".join([CONDITION_WORDS.get(kind, kind), *others])
        picture = slice_picture(plane, f"Reverse diffusion of {title or 'a sample'} at {moment}, coronal.", moment)
        rows.setdefault(title, []).append(picture)
    return [Row(title, tuple(pictures)) for title, pictures in rows.items()]


def worst(table: pd.DataFrame, cohort: Cohort, column: str, *, low_is_worse: bool, count: int = 8) -> list[str]:
    """The subjects of ``cohort`` with the worst value of ``column``, the worst first."""
    values = pd.to_numeric(table[column], errors="coerce")
    ordered = table.assign(**{column: values}).dropna(subset=[column])
    ordered = ordered[ordered["participant_id"].isin(cohort.ids)]
    ordered = ordered.sort_values([column, "participant_id"], ascending=[low_is_worse, True])
    return list(ordered["participant_id"].head(count))


def _reconstruction(original: Cohort, rebuilt: Cohort, subject: str, plane: str) -> Row:
    millimetres = HIPPOCAMPAL_MM[plane]
    truth = cut(original.volume(subject), original.grid, plane, millimetres)
    guess = cut(rebuilt.volume(subject), rebuilt.grid, plane, millimetres)
    error = np.abs(truth - guess)
    words = GROUP_WORDS[str(original.participants.loc[subject, "group"])]
    return Row(
        f"{subject}, {words}",
        (
            slice_picture(truth, f"Original {plane} slice of {subject}.", "original"),
            slice_picture(guess, f"Reconstruction of the {plane} slice of {subject}.", "reconstruction"),
            mapped_picture(
                error,
                ERROR_TOP,
                f"Absolute error of the {plane} slice of {subject}.",
                "absolute error",
            ),
        ),
    )


def _coronal(cohort: Cohort, subject: str, words: str) -> Picture:
    millimetres = HIPPOCAMPAL_MM["coronal"]
    alt = f"Coronal slice of {subject}, {words}, through the hippocampi."
    return slice_picture(cut(cohort.volume(subject), cohort.grid, "coronal", millimetres), alt, _short(cohort, subject))


def _short(cohort: Cohort, subject: str) -> str:
    side = cohort.participants.loc[subject, "side"]
    return f"{subject.removeprefix('sub-')} {side}" if isinstance(side, str) else subject.removeprefix("sub-")


def _at(plane: str, millimetres: float) -> str:
    return f"{'xyz'[PLANES[plane]]} = {millimetres:+.0f} mm".replace("-", "\u2212")


def _normalised(voxels: np.ndarray) -> np.ndarray:
    """Decoded noise may leave [0, 1]."""
    return np.clip(np.nan_to_num(voxels), 0, 1)


def _grid_of(shape: tuple[int, ...]) -> Grid:
    return next((g for g in GRIDS.values() if g.shape == shape), next(iter(GRIDS.values())))
