"""Was what was planted into a real head really there afterwards? Checked on the head's own hippocampi.

``tube`` is the template's hippocampus carried into the head; ``label`` is the head's own segmentation, where there is a
usable one. The volume after planting is the integral of the Jacobian over the region before it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tlesynth import durable, volume
from tlesynth.data.simulate.head import Planted
from tlesynth.volume import Volume

SIDES = ("left", "right")
REGIONS = ("label", "tube")
LABELS = {"hippocampus_left": 48, "hippocampus_right": 47}
"""MUSE label numbers, as in a DLMUSE derivative."""
PLAUSIBLE_MM3 = (1500.0, 8000.0)
MOST_ASYMMETRY = 0.35
"""|R - L| over their mean in a healthy head; a label map beyond it has leaked."""


def label_map(bids: Path, name: str) -> Path | None:
    """The DLMUSE label map of a participant, unless the data set's ``label_map`` column calls it anything but ok."""
    found = sorted((Path(bids) / "derivatives" / "dlmuse" / name).rglob("*dseg.nii.gz"))
    if not found:
        return None
    table = Path(bids) / "participants.tsv"
    people = durable.read_table(table) if table.is_file() else pd.DataFrame()
    if "label_map" in people and "participant_id" in people:
        judged = people.loc["sub-" + people["participant_id"].str.removeprefix("sub-") == name, "label_map"]
        if len(judged) and judged.iloc[0] != "ok":
            return None
    return found[0]


def checked(planted: Planted, source: Volume, labels: Path | None) -> dict[str, Any]:
    """Volumes in native mm3 before and after by side and region, and their ratio; ``label_map`` says what was used."""
    voxel = float(np.prod(source.spacing))
    regions = {f"{side}_tube": mask for side, mask in planted.hippocampus.items()}
    own, judged = _labels(source, labels, voxel)
    checked: dict[str, Any] = {"label_map": judged}
    for name, region in (regions | own).items():
        before, after = region.sum(dtype=float) * voxel, (region * planted.jacobian).sum(dtype=float) * voxel
        checked |= {f"hippocampus_{name}_before_mm3": before, f"hippocampus_{name}_after_mm3": after}
        checked[f"measured_ratio_{name}"] = after / before if before else float("nan")
    return checked


def write_summary(out: Path, truth: pd.DataFrame) -> dict[str, Any]:
    """Planted against measured volume ratios of all hippocampi, into ``out``/verification.json.

    For each region: n, Pearson's r, the mean difference (bias) and the 95 % limits of agreement (Bland and Altman).
    ``truth`` has ratio_hippocampus_<side> and measured_ratio_<side>_<region>.
    """
    summary: dict[str, Any] = {
        "about": "measured minus planted volume ratio of each hippocampus (1 = unchanged), both sides together",
        "label_maps": {str(k): int(n) for k, n in truth.get("label_map", pd.Series(dtype=str)).value_counts().items()},
    }
    for region in REGIONS:
        columns = [(f"ratio_hippocampus_{side}", f"measured_ratio_{side}_{region}") for side in SIDES]
        parts = [truth[[p, m]].to_numpy(float) for p, m in columns if p in truth and m in truth]
        pairs = np.concatenate(parts) if parts else np.empty((0, 2))
        summary[region] = agreement(*pairs[np.isfinite(pairs).all(axis=1)].T)
    durable.write_json(Path(out) / "verification.json", summary)
    return summary


def agreement(planted: np.ndarray, measured: np.ndarray) -> dict[str, Any]:
    """n, r, bias and limits of agreement of two (N,) arrays; values None where too few are there to say."""
    n = len(planted)
    if n < 3:
        return {"n": n, "r": None, "bias": None, "low": None, "high": None}
    difference = measured - planted
    bias, spread = float(difference.mean()), float(difference.std(ddof=1))
    varied = planted.std() > 0 and measured.std() > 0
    r = float(np.corrcoef(planted, measured)[0, 1]) if varied else None
    return {"n": n, "r": r, "bias": bias, "low": bias - 1.96 * spread, "high": bias + 1.96 * spread}


def _labels(source: Volume, labels: Path | None, voxel: float) -> tuple[dict[str, np.ndarray], str]:
    """The head's own hippocampi by name, and what is to be said of its label map."""
    if labels is None:
        return {}, "none"
    numbers = volume.read(labels, least_values=1)
    if numbers.voxels.shape != source.voxels.shape or not np.allclose(numbers.affine, source.affine, atol=0.01):
        return {}, "on another grid"
    own = {f"{side}_label": numbers.voxels == LABELS[f"hippocampus_{side}"] for side in SIDES}
    left, right = (float(own[f"{side}_label"].sum()) * voxel for side in SIDES)
    low, high = PLAUSIBLE_MM3
    if not (low <= min(left, right) and max(left, right) <= high):
        return {}, "implausible volume"
    if abs(right - left) > MOST_ASYMMETRY * (right + left) / 2:
        return {}, "implausible asymmetry"
    return own, "used"
