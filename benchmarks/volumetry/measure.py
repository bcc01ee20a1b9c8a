"""How well our volumes follow DLMUSE's on real healthy heads: bias, limits of agreement, slope, correlation.

    python benchmarks/volumetry/measure.py DATA_FOLDER DERIVATIVES

``DATA_FOLDER`` is a BIDS folder of whole heads with label maps in ``derivatives/dlmuse`` (IXI Hammersmith at 2 mm was
used), ``DERIVATIVES`` what ``tlesynth preprocess`` made of them; where disease was planted into some, only controls
are measured. Volumes are native mm3: those in MNI space times the determinant of the scan's affine. ``volumetry.json``
beside this file is written anew.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from tlesynth import durable
from tlesynth.data.anatomy import SIDES, STRUCTURES
from tlesynth.data.cohort import volume_path
from tlesynth.data.structures import structures
from tlesynth.metrics.agreement import agreement
from tlesynth.metrics.statistics import Resampling, correlation
from tlesynth.volume import GRIDS, read, read_on

GRID = GRIDS["mni-1.5mm"]
LABELS = {"hippocampus": (48, 47), "amygdala": (32, 31), "thalamus": (60, 59), "temporal_horn": (50, 49)}
"""DLMUSE labels (MUSE numbers), left and right; the horn is the inferior lateral ventricle."""
RESULT = Path(__file__).with_name("volumetry.json")


def heads(root: Path, derivatives: Path) -> list[str]:
    """Preprocessed controls whose label map is not marked bad."""
    told = durable.read_table(root / "participants.tsv")
    usable = set(told.loc[told.get("label_map", "ok") == "ok", "participant_id"])
    done = durable.read_table(derivatives / "outcomes.tsv")
    controls = done.loc[(done["group"] == "hc") & (done["status"] == "ok"), "participant_id"]
    return [i for i in controls if i in usable and volume_path(derivatives, i, GRID, "preproc").is_file()]


def measure(root: Path, derivatives: Path, name: str) -> dict[str, float]:
    """One head: native mm3 of every structure by either method of ours and by DLMUSE, and our seconds."""
    labels = read(next((root / "derivatives/dlmuse" / name / "anat").glob("*_dseg.nii.gz")), least_values=1)
    voxel = abs(float(np.linalg.det(labels.affine[:3, :3])))
    path = volume_path(derivatives, name, GRID, "preproc")
    affine = durable.read_json(next(path.parent.glob("*_from-T1w_to-*_xfm.json")))["MNIToNative"]
    native = abs(float(np.linalg.det(np.array(affine)[:3, :3])))
    scan, started = read_on(path, GRID), time.process_time()
    found = structures(scan, GRID)
    row = {"seconds": time.process_time() - started}
    for structure, numbers in LABELS.items():
        for side, number in zip(SIDES, numbers, strict=True):
            key = f"{structure}_{side}"
            row[f"{key}_dlmuse"] = float((labels.voxels == number).sum()) * voxel
            row[f"{key}_registration"] = found.registered[key] * native if found else float("nan")
            row[f"{key}_tissue"] = found.tissue[key] * native if found else float("nan")
    return row


def compared(table: pd.DataFrame, structure: str, method: str) -> dict[str, object]:
    """Agreement of one structure's volumes, left and right together, and the correlation of its asymmetry."""
    known, ours = (table[[f"{structure}_{s}_{m}" for s in SIDES]].to_numpy(float) for m in ("dlmuse", method))
    how = Resampling(2000, 0.95, np.random.default_rng(0))
    asymmetry = [200 * (v[:, 1] - v[:, 0]) / v.sum(axis=1) for v in (known, ours)]
    means = {"dlmuse_mm3": round(float(known.mean())), "ours_mm3": round(float(ours.mean()))}
    return means | agreement(known, ours, how) | {"asymmetry_correlation": correlation(*asymmetry, 0.95)}


def main(root: Path, derivatives: Path) -> None:
    names = heads(root, derivatives)
    table = pd.DataFrame([measure(root, derivatives, name) for name in names]).dropna()
    result: dict[str, object] = {
        "about": "our volumes against DLMUSE's, native mm3, real healthy heads; intervals: bootstrap over heads",
        "heads": len(table),
        "seconds_a_head": round(float(table["seconds"].median()), 3),
    }
    for method in ("registration", "tissue"):
        result[method] = {structure: compared(table, structure, method) for structure in STRUCTURES}
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(f"{len(table)} heads: {RESULT.name}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
