"""How well our volumes follow known ones: DLMUSE's on real heads, the planted loss, the simulated truth.

    python benchmarks/volumetry/measure.py PLANTED ITS_DERIVATIVES SIMULATED ITS_DERIVATIVES
    python benchmarks/volumetry/measure.py --held-out PLANTED ITS_DERIVATIVES

``PLANTED`` is what ``tlesynth simulate --from`` made of whole heads with DLMUSE's label maps (IXI Hammersmith at 2 mm
was used), ``SIMULATED`` a simulated cohort, the derivatives what ``tlesynth preprocess`` made of either. The planting
moves every head a little, controls too, so the volume that is known is that of DLMUSE's label after the deformation
(``hippocampus_<side>_label_after_mm3`` of truth.tsv), never that of the head as it was. ``volumetry.json`` beside
this file is written anew. ``--held-out`` adds to it heads that had no part in choosing the measure: any but those in
``chosen_on``; a head of these among them is refused.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tlesynth import durable
from tlesynth.data.anatomy import SIDES, STRUCTURES
from tlesynth.data.cohort import volume_path
from tlesynth.data.structures import structures
from tlesynth.metrics.agreement import agreement, correlations, slopes
from tlesynth.metrics.statistics import Json, Resampling, bootstrap
from tlesynth.volume import GRIDS, Grid, read_on

RESULT = Path(__file__).with_name("volumetry.json")
METHODS = ("registered", "tissue")


@dataclass(frozen=True)
class Cohort:
    """Preprocessed heads of known volume: what is known of each, and where they lie."""

    truth: pd.DataFrame
    derivatives: Path
    grid: Grid

    def ids(self) -> list[str]:
        """Heads that were preprocessed."""
        return [i for i in self.truth.index if volume_path(self.derivatives, str(i), self.grid, "preproc").is_file()]

    def known(self, structure: str, which: str) -> NDArray[np.float64]:
        """(n, 2) left and right mm3 of a column of truth.tsv."""
        return self.truth.loc[self.ids(), [f"{structure}_{side}_{which}" for side in SIDES]].to_numpy(float)


def cohort(planted: Path, derivatives: Path, grid: str) -> Cohort:
    truth = durable.read_table(planted / "derivatives/truth/truth.tsv").set_index("participant_id")
    return Cohort(truth, derivatives, GRIDS[grid])


def measured(heads: Cohort, ids: list[str], *, native: bool) -> tuple[dict[str, pd.DataFrame], float]:
    """Every structure of each head by method, and median seconds a head; native mm3 or those of MNI space."""
    rows: dict[str, list[dict[str, float]]] = {method: [] for method in METHODS}
    seconds = []
    for name in ids:
        path = volume_path(heads.derivatives, name, heads.grid, "preproc")
        affine = durable.read_json(next(path.parent.glob("*_from-T1w_to-*_xfm.json")))["MNIToNative"]
        factor = abs(float(np.linalg.det(np.array(affine)[:3, :3]))) if native else 1.0
        scan, started = read_on(path, heads.grid), time.process_time()
        found = structures(scan, heads.grid)
        seconds.append(time.process_time() - started)
        for method in METHODS:
            volumes = getattr(found, method) if found else {}
            rows[method].append({key: value * factor for key, value in volumes.items()})
    return {method: pd.DataFrame(rows[method], index=ids) for method in METHODS}, round(float(np.median(seconds)), 3)


def compared(known: NDArray[np.float64], ours: pd.DataFrame, structure: str) -> Json:
    """Agreement of one structure's volumes (n, 2), left and right together; r of both sides' mean and of asymmetry."""
    volumes = ours[[f"{structure}_{side}" for side in SIDES]].to_numpy(float)
    told = np.isfinite(volumes).all(axis=1) & np.isfinite(known).all(axis=1)
    known, volumes = known[told], volumes[told]
    how = Resampling(2000, 0.95, np.random.default_rng(0))
    asymmetry = [200 * (v[:, 1] - v[:, 0]) / v.sum(axis=1) for v in (known, volumes)]
    return agreement(known, volumes, how) | {
        "mean_of_sides_correlation": correlation(known.mean(axis=1), volumes.mean(axis=1), how),
        "asymmetry_correlation": correlation(*asymmetry, how),
        "asymmetry_slope": round(float(slopes(asymmetry[0][None], asymmetry[1][None])[0]), 3),
    }


def correlation(x: NDArray[np.float64], y: NDArray[np.float64], how: Resampling) -> Json:
    """Pearson's r of two measures (n,) of the same heads."""
    return bootstrap(lambda rows: correlations(x[rows], y[rows]), (len(x),), how)


def real(heads: Cohort) -> Json:
    """Hippocampi of real heads against DLMUSE's, carried through the planted deformation."""
    ids = heads.ids()
    ours, seconds = measured(heads, ids, native=True)
    known = heads.known("hippocampus", "label_after_mm3")
    control = (heads.truth.loc[ids, "group"] == "hc").to_numpy()
    result: Json = {"heads": len(ids), "controls": int(control.sum()), "seconds_a_head": seconds, "names": ids}
    for method in METHODS:
        result[method] = compared(known, ours[method], "hippocampus")
        result[f"{method}_controls"] = compared(known[control], ours[method][control], "hippocampus")
    return result


def simulated(heads: Cohort) -> Json:
    """Every structure of simulated heads against the truth, mm3 of MNI space."""
    ids = heads.ids()
    ours, seconds = measured(heads, ids, native=False)
    result: Json = {"heads": len(ids), "seconds_a_head": seconds}
    for method in METHODS:
        result[method] = {s: compared(heads.known(s, "mni_mm3"), ours[method], s) for s in STRUCTURES}
    return result


def held_out(planted: Path, derivatives: Path, chosen_on: list[str]) -> Json:
    """``real`` for heads that the measure was not chosen on."""
    heads = cohort(planted, derivatives, "mni-1.5mm")
    if seen := sorted(set(heads.ids()) & set(chosen_on)):
        raise SystemExit(f"{seen[0]} had a part in choosing the measure")
    return real(heads)


def main() -> None:
    parser = argparse.ArgumentParser(description="our volumes against known ones")
    parser.add_argument("folders", type=Path, nargs="*", metavar="FOLDER", help="two planted, two simulated")
    parser.add_argument("--held-out", type=Path, nargs=2, metavar="FOLDER", help="planted heads, their derivatives")
    given = parser.parse_args()
    if len(given.folders) not in (0, 4):
        parser.error("PLANTED ITS_DERIVATIVES SIMULATED ITS_DERIVATIVES, or none of them")
    result = json.loads(RESULT.read_text()) if RESULT.is_file() else {}
    if given.folders:
        planted, derivatives, made, made_derivatives = given.folders
        result = {
            "about": "our volumes against known ones; intervals: bootstrap over heads",
            "real": real(cohort(planted, derivatives, "mni-1.5mm")),
            "simulated": simulated(cohort(made, made_derivatives, "mni-3mm")),
        }
        result["chosen_on"] = result["real"].pop("names")
    if given.held_out:
        result["held_out"] = held_out(*given.held_out, result["chosen_on"])
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(RESULT.name)


if __name__ == "__main__":
    main()
