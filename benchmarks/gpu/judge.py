"""What came out of a whole run: hippocampal asymmetry, spectra, learning curves, and a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from pictures import write_rows

from tlesynth import durable
from tlesynth.data.cohort import Cohort, read_cohort
from tlesynth.data.hippocampus import hippocampi
from tlesynth.metrics.spectrum import BANDS, band_power
from tlesynth.metrics.statistics import Resampling, hedges_g, mean_interval
from tlesynth.seeds import generator
from tlesynth.sharing.crew import Crew

SHOWN = 4
SPECTRA = 32
"""Scans of each cohort whose power is measured."""
LEAST = 3
"""Scans of each side without which there is no effect size."""


def asymmetries(work: Path) -> dict[str, pd.DataFrame]:
    """Group, side and asymmetry (percent) of drawn scans, rebuilt ones and the same real ones; a process a core."""
    drawn, rebuilt, real = (read_cohort(work / name) for name in ("synthetic", "reconstructions", "derivatives"))
    tables = {"drawn": drawn.participants, "rebuilt": rebuilt.participants, "real": real.participants.loc[rebuilt.ids]}
    tables = {name: table[["group", "side"]].copy() for name, table in tables.items()}
    roots = {"drawn": drawn.root, "rebuilt": rebuilt.root, "real": real.root}
    found = dict(
        Crew(_asymmetry, 0, _lost).each({f"{n} {i}": (roots[n], i) for n, table in tables.items() for i in table.index})
    )
    return {name: table.assign(asymmetry=[found[f"{name} {i}"] for i in table.index]) for name, table in tables.items()}


def effect(table: pd.DataFrame, seed: int = 0) -> dict[str, Any]:
    """Mean asymmetry of controls and of both sides, and Hedges' g of left against right, each with its interval."""
    how = Resampling(2000, 0.95, generator(seed, "benchmark", "gpu"))
    rows = {"healthy": table["group"] == "hc", "left": table["side"] == "left", "right": table["side"] == "right"}
    values = {name: table.loc[chosen, "asymmetry"].dropna().to_numpy(float) for name, chosen in rows.items()}
    found: dict[str, Any] = {name: mean_interval(some, how) for name, some in values.items() if len(some) >= LEAST}
    if min(len(values["left"]), len(values["right"])) >= LEAST:
        found["left_against_right"] = hedges_g(values["left"], values["right"], how.confidence)
    return found | {"n": {name: len(some) for name, some in values.items()}}


def spectrum(made: Cohort, real: Cohort) -> dict[str, Any]:
    """How far the mean power of ``made`` lies above that of ``real`` in each band, dB."""
    power = [np.mean([band_power(one.volume(i)) for i in one.ids[:SPECTRA]], axis=0) for one in (made, real)]
    ratio = 10 * np.log10(power[0] / power[1])
    return {"cycles_per_voxel": list(BANDS), "ratio_db": [round(float(v), 2) for v in ratio]}


def voxelwise(made: Cohort, real: Cohort) -> dict[str, float]:
    """How the mean head and the spread of heads of ``made`` lie to those of ``real``, over voxels of its brain."""
    stacks = [one.volumes(one.ids[:SPECTRA]).astype(np.float32) for one in (made, real)]
    means, spreads = ([stack.mean(0) for stack in stacks], [stack.std(0) for stack in stacks])
    brain = means[1] > 0.05
    return {
        "mean_l1": round(float(np.abs(means[0] - means[1])[brain].mean()), 4),
        "spread_ratio": round(float(spreads[0][brain].mean() / spreads[1][brain].mean()), 3),
        "spread_correlation": round(float(np.corrcoef(spreads[0][brain], spreads[1][brain])[0, 1]), 3),
    }


def curve(run: Path) -> list[dict[str, Any]]:
    """The validations of a training run, row by row, and its last step."""
    table = pd.read_csv(run / "metrics.csv")
    columns = ["step", *(name for name in table if name.startswith("val_"))]
    kept = table[columns].dropna(subset=[columns[-1]]) if len(columns) > 1 else table[columns]
    return kept.to_dict("records")


def gate(run: Path) -> dict[str, Any]:
    """The verdict on an autoencoder and the figures behind it."""
    found = durable.read_json(run / "gate.json")
    return {name: found[name] for name in ("verdict", "reasons", "scans", "figures", "run")}


def picture(work: Path, path: Path) -> dict[str, Any]:
    """Real, rebuilt and drawn heads in three planes."""
    real, made = read_cohort(work / "derivatives"), read_cohort(work / "synthetic")
    rebuilt = read_cohort(work / "reconstructions")
    some = rebuilt.ids[:SHOWN]
    people = made.participants
    groups = {"drawn, healthy": people["group"] == "hc"}
    groups |= {f"drawn, {side} TLE": people["side"] == side for side in ("left", "right")}
    rows = {"real": [real.volume(i) for i in some], "the same, rebuilt": [rebuilt.volume(i) for i in some]}
    rows |= {name: [made.volume(i) for i in people.index[chosen][:SHOWN]] for name, chosen in groups.items()}
    write_rows({name: volumes for name, volumes in rows.items() if volumes}, real.grid, path)
    return {"file": path.name, "bytes": path.stat().st_size}


def _asymmetry(scan: tuple[Path, str]) -> float:
    torch.set_num_threads(1)
    root, name = scan
    cohort = read_cohort(root)
    found = hippocampi(cohort.volume(name), cohort.grid)
    return found.asymmetry if found else float("nan")


def _lost(scan: tuple[Path, str]) -> float:
    raise RuntimeError(f"the process that measured {scan[1]} was killed twice")
