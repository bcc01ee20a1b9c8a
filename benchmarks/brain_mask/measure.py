"""How well the built-in brain mask fits real heads: Dice with the union of their label maps, temporal poles kept.

    python benchmarks/brain_mask/measure.py DATA_FOLDER [EVERY]

``DATA_FOLDER`` is a BIDS folder of whole heads with label maps in ``derivatives/dlmuse`` (IXI Hammersmith at 2 mm was
used); with ``EVERY`` 2 each second head is measured. ``brain_mask.json`` beside this file is written anew.
"""

from __future__ import annotations

import csv
import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np
from scipy import ndimage

from tlesynth.data.preprocess.brain_mask import find_brain
from tlesynth.errors import TlesynthError
from tlesynth.volume import Volume, read

POLES = {"right": 202, "left": 203}
"""DLMUSE labels of the temporal poles."""
SPHERE_MM = 15.0
TIP = 5.0
"""Percent of a pole's voxels that are its tip, the most anterior ones."""
RESULT = Path(__file__).with_name("brain_mask.json")


def heads(root: Path) -> list[str]:
    """The participants whose label map is not marked bad."""
    with open(root / "participants.tsv") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [row["participant_id"] for row in rows if row.get("label_map", "ok") == "ok"]


def measure(root: Path, name: str) -> dict[str, float | str]:
    """One head's row."""
    head = read(root / name / "anat" / f"{name}_T1w.nii.gz")
    labels = read(next((root / "derivatives/dlmuse" / name / "anat").glob("*_dseg.nii.gz")), least_values=1)
    started = time.process_time()
    try:
        found = find_brain(head)
    except TlesynthError as error:
        return {"head": name, "refused": error.code}
    seconds = time.process_time() - started
    truth = labels.voxels > 0
    row: dict[str, float | str] = {"head": name, "seconds": round(seconds, 1)}
    row["dice"] = round(float(2 * (found.voxels & truth).sum() / (found.voxels.sum() + truth.sum())), 4)
    row["labels_kept"] = round(float(found.voxels[truth].mean()), 4)
    around = ndimage.distance_transform_edt(~truth, head.spacing)
    row["more_than_6_mm_outside"] = round(float((found.voxels & (around > 6)).sum() / truth.sum()), 4)
    for side, label in POLES.items():
        row[f"pole_{side}_kept"] = round(pole_kept(found.voxels, labels, label), 4)
    return row


def pole_kept(mask: np.ndarray, labels: Volume, label: int) -> float:
    """Share of the brain within ``SPHERE_MM`` of a temporal pole's tip that lies in ``mask``."""
    where = np.argwhere(labels.voxels == label) @ labels.affine[:3, :3].T + labels.affine[:3, 3]
    tip = where[where[:, 1] >= np.percentile(where[:, 1], 100 - TIP)].mean(axis=0)
    brain = np.argwhere(labels.voxels > 0)
    places = brain @ labels.affine[:3, :3].T + labels.affine[:3, 3]
    near = brain[np.linalg.norm(places - tip, axis=1) <= SPHERE_MM]
    return float(mask[tuple(near.T)].mean())


def summary(rows: list[dict[str, float | str]]) -> dict[str, float | int]:
    """What the rows say together."""
    done = [row for row in rows if "dice" in row]
    dice = sorted(float(row["dice"]) for row in done)
    poles = [min(float(row[f"pole_{side}_kept"]) for side in POLES) for row in done]
    return {
        "heads": len(rows),
        "refused": len(rows) - len(done),
        "dice_median": round(statistics.median(dice), 4),
        "dice_least": dice[0],
        "pole_kept_median": round(statistics.median(poles), 4),
        "pole_kept_least": min(poles),
        "more_than_6_mm_outside_most": max(float(row["more_than_6_mm_outside"]) for row in done),
        "seconds_median": statistics.median(float(row["seconds"]) for row in done),
    }


def main() -> None:
    """Measure every head, or each EVERY-th, and write the result."""
    root, every = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
    rows = []
    for name in heads(root)[::every]:
        rows.append(measure(root, name))
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    text = json.dumps({"data": root.name, "summary": summary(rows), "rows": rows}, indent=1)
    RESULT.write_text(text + "\n")
    print(json.dumps(summary(rows), indent=1))


if __name__ == "__main__":
    main()
