"""What the autoencoder alone does to a scan (paper, Table 1), to its hippocampi above all."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from torch import nn

from tlesynth import weights
from tlesynth.data.anatomy import SIDES
from tlesynth.data.cohort import Cohort
from tlesynth.data.hippocampus import hippocampi
from tlesynth.evaluation.measure import Measured
from tlesynth.evaluation.perceptual import lpips_distances
from tlesynth.evaluation.sections import NO_RECONSTRUCTION, Inputs, without_weights
from tlesynth.evaluation.slices import PLANES
from tlesynth.metrics.fidelity import fidelity
from tlesynth.metrics.statistics import Floats, Json, Resampling, Rows, bootstrap, mean_interval, not_computed
from tlesynth.progress import track

LOST = -100.0
"""Percent: no tissues can be told apart in the reconstruction any more."""


@dataclass(frozen=True)
class Lpips:
    """An LPIPS network and what its figures are called; or why there is none."""

    column: str
    network: nn.Module | None
    about: Json

    def distances(self, original: Floats, copy: Floats, cohort: Cohort) -> dict[str, float]:
        """Columns of one scan: the mean of the planes, then each plane."""
        if self.network is None:
            return {}
        planes = lpips_distances(original, copy, cohort.grid, self.network)
        named = {f"{self.column}_{plane}": value for plane, value in planes.items()}
        return {self.column: float(np.mean(list(planes.values())))} | named

    def figure(self, means: dict[str, Json]) -> Json:
        """The mean over scans with each plane's, from the means of all columns."""
        if self.network is None:
            return self.about
        return means[self.column] | self.about | {"planes": {p: means[f"{self.column}_{p}"] for p in PLANES}}


def reconstruction(inputs: Inputs, measured: Measured, how: Resampling) -> tuple[Json, pd.DataFrame]:
    """The autoencoder on test, and a row per scan of val and test; ``measured`` has the originals' hippocampi.

    A scan in which a figure cannot be measured (NaN) is left out of its mean. FID is another section's.
    """
    made = inputs.reconstructed
    if made is None:
        return NO_RECONSTRUCTION, pd.DataFrame({"participant_id": []})
    networks = [lpips("alex", "lpips"), lpips("squeeze", "lpips_squeeze")]
    known = measured.table[measured.table["cohort"] == "real"].set_index("participant_id")
    split_of = {i: split for split in ("val", "test") for i in inputs.members.get(split, []) if i in made.ids}
    rows = []
    for participant_id, split in track(split_of.items(), "comparing reconstructions", len(split_of)):
        original, copy = inputs.real.volume(participant_id), made.volume(participant_id)
        row = {"participant_id": participant_id, "group": known.at[participant_id, "group"], "split": split}
        row |= asdict(fidelity(original, copy, inputs.real.grid)) | _bias(known.loc[participant_id], copy, made)
        for network in networks:
            row |= network.distances(original, copy, inputs.real)
        rows.append(row)
    table = pd.DataFrame(rows)
    if not len(table):
        return not_computed("no scan of val or test was reconstructed", "tlesynth encode"), table
    test = table[table["split"] == "test"]
    mean = {name: mean_interval(test[name].dropna().to_numpy(np.float64), how) for name in table.columns[3:]}
    return {
        "split": "test",
        "n": len(test),
        "whole": {"l1": mean["l1"]},
        "brain": {"l1": mean["l1_brain"], "psnr_db": mean["psnr_brain_db"]},
        "psnr_db": mean["psnr_db"],
        "ssim": mean["ssim"],
        "hippocampus_l1": mean["l1_hippocampus"],
        "hippocampus_bias": bias_figures(test, how),
        "lpips": networks[0].figure(mean),
        "lpips_squeeze": networks[1].figure(mean),
    }, table.round(6)


def bias_figures(table: pd.DataFrame, how: Resampling) -> Json:
    """Mean error of the hippocampal volume and 1.96 standard deviations of it over hippocampi, percent."""
    errors = table[[f"hippocampus_bias_{side}" for side in SIDES]].dropna().to_numpy(np.float64)  # (n, 2)

    def agreement(rows: Rows) -> Floats:
        drawn = errors[rows].reshape(len(rows), -1)
        return 1.96 * drawn.std(axis=1, ddof=1)

    mean = bootstrap(lambda rows: errors[rows].mean(axis=(1, 2)), (len(errors),), how)
    return {"unit": "%", "mean": mean, "agreement": bootstrap(agreement, (len(errors),), how)}


def lpips(kind: weights.LpipsKind, column: str) -> Lpips:
    """The LPIPS network of one kind where its weights are here, or why not and the command that fetches them."""
    trunk = weights.TRUNKS[kind]
    if missing := without_weights(trunk):
        return Lpips(column, None, missing)
    about = {"name": weights.lpips_name(kind), "weights": weights.provenance(trunk)}
    return Lpips(column, weights.lpips_network(kind), about)


def _bias(known: pd.Series, copy: Floats, made: Cohort) -> dict[str, float]:
    """Error of each hippocampus's volume, percent; NaN where the original has none."""
    rebuilt = hippocampi(copy, made.grid)
    return {
        f"hippocampus_bias_{side}": 100 * (getattr(rebuilt, side) / known[side] - 1)
        if rebuilt
        else (LOST if known[side] > 0 else float("nan"))
        for side in SIDES
    }
