"""Pictures of a simulated cohort: mean heads of each group, what differs between them, volumes, asymmetry, sites."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tlesynth.data.cohort import Cohort, read_cohort
from tlesynth.data.resampling import resample
from tlesynth.progress import track
from tlesynth.report.pictures import Picture, Theme, chart, slice_picture
from tlesynth.report.slices import cut
from tlesynth.seeds import generator
from tlesynth.volume import GRIDS, read

GRID = GRIDS["mni-3mm"]
GROUPS = {"hc": "controls", "tle-left": "TLE left", "tle-right": "TLE right"}
PLANES = {"coronal": -20.0, "axial": -14.0}
"""Through the bodies of the hippocampi (mm)."""
STRUCTURES = {
    "hippocampus": "hippocampus",
    "amygdala": "amygdala",
    "thalamus": "thalamus",
    "temporal_horn": "temporal horn",
}
JITTER = 0.1


def mean_heads(cohort: Path, truth: pd.DataFrame, derivatives: Path | None) -> tuple[dict[str, np.ndarray], pd.Series]:
    """Mean image of each group on the 3 mm MNI grid, and the mean intensity of each subject's image.

    From ``derivatives`` (preprocessed T1s) where given, else from the raw scans laid over the template by the pose that
    the truth holds: an alignment no registration could better. Intensities are scaled as preprocessing scales them.
    """
    total: dict[str, np.ndarray] = {}
    levels: dict[str, float] = {}
    counts = {}
    for name, image in track(_images(cohort, truth, derivatives), "averaging heads", len(truth)):
        group = str(truth.loc[name, "shown"])
        total[group] = total.get(group, 0) + image.astype(np.float64)
        counts[group] = counts.get(group, 0) + 1
        levels[name] = float(image[image > 0].mean())
    return {g: (total[g] / counts[g]).astype(np.float32) for g in GROUPS if g in total}, pd.Series(levels, dtype=float)


def mean_pictures(means: dict[str, np.ndarray]) -> list[Picture]:
    """Each group's mean head, coronal then axial."""
    pictures = []
    for plane, millimetres in PLANES.items():
        for group, image in means.items():
            alt = f"Mean {plane} slice of {GROUPS[group]}."
            pictures.append(slice_picture(cut(image, GRID, plane, millimetres), alt, f"{GROUPS[group]}, {plane}"))
    return pictures


def difference_pictures(means: dict[str, np.ndarray]) -> list[Picture]:
    """Controls minus each side's patients: warm where controls are brighter."""
    pictures = []
    differences = {g: means["hc"] - means[g] for g in ("tle-left", "tle-right") if g in means and "hc" in means}
    top = max((float(np.percentile(np.abs(d), 99.8)) for d in differences.values()), default=1.0) or 1.0
    for plane, millimetres in PLANES.items():
        for group, difference in differences.items():
            shown = cut(difference, GRID, plane, millimetres).T
            pictures.append(_difference(shown, top, f"controls minus {GROUPS[group]}, {plane}"))
    return pictures


def volume_pictures(truth: pd.DataFrame) -> list[Picture]:
    """Dots of every subject's true native volume, by structure, side and group."""
    return [_volumes(truth, name, words) for name, words in STRUCTURES.items() if f"{name}_left_native_mm3" in truth]


def asymmetry_picture(truth: pd.DataFrame) -> Picture:
    """Distribution of the hippocampal asymmetry index in each group."""

    def draw(axes: Any, theme: Theme) -> None:
        edges = np.linspace(*np.percentile(truth["asymmetry_index"], [0, 100]), 31)
        for colour, (group, words) in zip(theme.series, GROUPS.items(), strict=False):
            values = truth.loc[truth["shown"] == group, "asymmetry_index"]
            if len(values):
                axes.hist(values, edges, density=True, histtype="step", linewidth=1.6, color=colour, label=words)
        axes.set(xlabel="(right - left) / mean", ylabel="density", yticks=[])
        axes.legend(loc="upper center", ncols=3, bbox_to_anchor=(0.5, 1.15))

    return chart(draw, "Histogram of the hippocampal asymmetry index by group.", size=(5.2, 3.0))


def site_picture(truth: pd.DataFrame) -> Picture:
    """Subjects at each site, by group."""
    sites = sorted(truth["site"].dropna().astype(str).unique())

    def draw(axes: Any, theme: Theme) -> None:
        below = np.zeros(len(sites))
        for colour, (group, words) in zip(theme.series, GROUPS.items(), strict=False):
            counts = truth.loc[truth["shown"] == group, "site"].astype(str).value_counts()
            heights = np.array([counts.get(site, 0) for site in sites], float)
            axes.bar(range(len(sites)), heights, bottom=below, color=colour, label=words, width=0.7)
            below += heights
        axes.set_xticks(range(len(sites)), [s.removeprefix("site") for s in sites])
        axes.set(xlabel="site", ylabel="subjects")
        axes.grid(axis="x", visible=False)
        axes.legend(loc="upper center", ncols=3, bbox_to_anchor=(0.5, 1.17))

    return chart(draw, "Number of subjects at each site, stacked by group.", size=(5.2, 3.0))


def _images(cohort: Path, truth: pd.DataFrame, derivatives: Path | None) -> Iterator[tuple[str, np.ndarray]]:
    if derivatives is not None:
        prepared = read_cohort(derivatives)
        for name in (i for i in prepared.ids if i in truth.index):
            yield name, _coarse(prepared, name)
        return
    for name in truth.index:
        scan = read(cohort / name / "anat" / f"{name}_T1w.nii.gz")
        numbers = truth.loc[name, [f"to_mni_{i}{j}" for i in range(3) for j in range(4)]].to_numpy(float)
        to_mni = np.vstack([numbers.reshape(3, 4), [0, 0, 0, 1]])
        yield str(name), _scaled(resample(scan.voxels, scan.affine, np.linalg.inv(to_mni), GRID))


def _coarse(prepared: Cohort, name: str) -> np.ndarray:
    voxels = prepared.volume(name)
    step = round(GRID.spacing / prepared.grid.spacing)
    x, y, z = GRID.shape
    return voxels.reshape(x, step, y, step, z, step).mean(axis=(1, 3, 5))


def _scaled(voxels: np.ndarray) -> np.ndarray:
    """0.5 to 99.5 percentile of the head to [0, 1]."""
    inside = voxels > 0.05 * voxels.max()
    low, high = np.percentile(voxels[inside], [0.5, 99.5])
    return np.where(inside, np.clip((voxels - low) / (high - low), 0, 1), 0)


def _difference(shown: np.ndarray, top: float, words: str) -> Picture:
    def draw(axes: Any, theme: Theme) -> None:
        image = axes.imshow(shown, origin="lower", cmap="RdBu_r", vmin=-top, vmax=top, interpolation="bicubic")
        axes.set_axis_off()
        bar = axes.figure.colorbar(image, ax=axes, shrink=0.7, pad=0.02)
        bar.outline.set_edgecolor(theme.rule)

    return chart(draw, f"Difference of mean images: {words}.", words, size=(3.4, 2.7))


def _volumes(truth: pd.DataFrame, name: str, words: str) -> Picture:
    places = [(side, group) for side in ("left", "right") for group in GROUPS]

    def draw(axes: Any, theme: Theme) -> None:
        for place, (side, group) in enumerate(places):
            values = truth.loc[truth["shown"] == group, f"{name}_{side}_native_mm3"].to_numpy(float) / 1000
            colour = theme.series[list(GROUPS).index(group)]
            jitter = generator(0, "simulation page", name, side, group).uniform(-JITTER, JITTER, len(values))
            axes.scatter(place + jitter, values, s=6, color=colour, alpha=0.35, linewidths=0)
            if len(values):
                axes.plot([place - 0.25, place + 0.25], [values.mean()] * 2, color=colour, linewidth=2)
        axes.axvline(2.5, color=theme.muted, linewidth=0.7)
        axes.set_xticks([1, 4], [f"left {words}", f"right {words}"])
        axes.set_ylabel("true volume (ml)")
        axes.grid(axis="x", visible=False)
        for group, label in GROUPS.items():
            axes.plot([], [], "o", color=theme.series[list(GROUPS).index(group)], label=label, markersize=4)
        axes.legend(loc="upper center", ncols=3, bbox_to_anchor=(0.5, 1.17), handletextpad=0.1, columnspacing=0.8)

    return chart(draw, f"True volumes of the {words} by side and group.", size=(4.2, 3.0))
