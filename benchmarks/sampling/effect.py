"""What asking for a side does: the same subjects drawn healthy, with left and with right TLE, each from its own noise.

Beside them stand the real scans under the same measure, as they are and as the autoencoder gives them back: what it
does not pass, no denoiser can draw.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import trained
from machine import publish, tell
from pictures import write_rows
from timing import Load

from tlesynth.data.cohort import Cohort, read_cohort
from tlesynth.data.hippocampus import hippocampi
from tlesynth.metrics.statistics import Json, Resampling, hedges_g, mean_interval
from tlesynth.progress import track
from tlesynth.seeds import generator
from tlesynth.synthesis.background import cleaned
from tlesynth.synthesis.requests import Subject
from tlesynth.synthesis.synthesizer import Synthesizer
from tlesynth.volume import Grid

ABOUT = "hippocampal asymmetry of the same subjects drawn healthy, with left and with right TLE, beside real scans"
ASKED = {
    "healthy": {"group": "hc"},
    "left": {"group": "tle", "side": "left"},
    "right": {"group": "tle", "side": "right"},
}
SHOWN = 3
"""Subjects in the picture, under each condition."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this part."""
    parser.add_argument("derivatives", type=Path, help="preprocessed real scans, measured alike")
    parser.add_argument("--n", type=int, default=24, help="subjects, each drawn three times")
    parser.add_argument("--guidance", type=float, nargs="+", default=[1.0, 3.0])
    trained.arguments(parser, sampler="dpm++", steps=20)


def run(given: argparse.Namespace, out: Path) -> None:
    """Draw, measure, compare, publish; the picture lies beside the figures."""
    cohort = read_cohort(given.derivatives)
    how = Resampling(2000, 0.95, generator(given.seed, "benchmark", "effect"))
    drawn: dict[str, Any] = {}
    with Load() as load:
        for guidance in given.guidance:
            tell(f"guidance {guidance:g}: {given.n} subjects three times")
            drawn[f"{guidance:g}"], rows = _drawn(trained.models_of(given, guidance), given.n, how)
            shown = {f"{name}, guidance {guidance:g}": volumes for name, volumes in rows.items()}
            write_rows({"real": _some(cohort)} | shown, cohort.grid, out.with_name(f"{out.stem}-{guidance:g}.webp"))
        coder = trained.models_of(given, 1.0)
        tell("real scans, as they are and through the autoencoder")
        real = _real(cohort, lambda voxels: voxels)
        passed = _real(cohort, lambda voxels: _through(coder, voxels))
    result = {
        "measure": "asymmetry = 200 (R - L) / (R + L), percent, of hippocampal volumes by deforming the template",
        "pairs": "left, right and healthy of one subject grow from the same noise",
        "real": compared(real, how),
        "real_through_the_autoencoder": compared(passed, how),
        "drawn_by_guidance": drawn,
        "n": given.n,
        "load": load.result(),
    }
    publish("effect", result, out)


def compared(found: dict[str, np.ndarray], how: Resampling) -> Json:
    """Means by condition and the effect size of the side; ``found`` holds asymmetries, NaN where unmeasured."""
    kept = {name: values[np.isfinite(values)] for name, values in found.items()}
    means: Json = {name: mean_interval(values, how) for name, values in kept.items()}
    return means | {"left_against_right": hedges_g(kept["left"], kept["right"], how.confidence)}


def _drawn(models: Synthesizer, n: int, how: Resampling) -> tuple[Json, dict[str, list[np.ndarray]]]:
    found, rows = {}, {}
    for name, asked in ASKED.items():
        # The paper's model knows no side: its left and right patients are the same.
        known = {
            condition: value for condition, value in asked.items() if condition in models.diffusion.conditions.names
        }
        subjects = models.completed([Subject(f"sub-effect{i:03d}", known) for i in range(n)])
        volumes = []
        for start in range(0, n, models.batch_size):
            volumes += [cleaned(v).voxels for v in models.volumes(subjects[start : start + models.batch_size], 0)]
        found[name] = np.array([_asymmetry(volume, models.grid) for volume in volumes])
        rows[name] = volumes[:SHOWN]
    pairs = found["left"] - found["right"]
    pairs = pairs[np.isfinite(pairs)]
    sure = {"left_minus_right_of_one_noise": mean_interval(pairs, how)}
    return compared(found, how) | sure | {"left_above_right": f"{int((pairs > 0).sum())} of {len(pairs)}"}, rows


def _through(models: Synthesizer, voxels: np.ndarray) -> np.ndarray:
    """The reconstruction of a volume (X, Y, Z), cleaned as drawn ones are."""
    latent = models.autoencoder.to_latents(torch.from_numpy(voxels)[None, None])  # (1, C, X, Y, Z)
    return cleaned(models.decode(latent[0])).voxels


def _real(cohort: Cohort, made: Callable[[np.ndarray], np.ndarray]) -> dict[str, np.ndarray]:
    """Asymmetries of what is ``made`` of the real scans of each condition."""
    people = cohort.participants
    chosen = {
        "healthy": people.index[people["group"] == "hc"],
        "left": people.index[people["side"] == "left"],
        "right": people.index[people["side"] == "right"],
    }
    return {
        name: np.array([_asymmetry(made(cohort.volume(i)), cohort.grid) for i in track(ids, name, len(ids))])
        for name, ids in chosen.items()
    }


def _some(cohort: Cohort) -> list[np.ndarray]:
    return [cohort.volume(i) for i in cohort.of_group("hc")[:SHOWN]]


def _asymmetry(volume: np.ndarray, grid: Grid) -> float:
    found = hippocampi(np.nan_to_num(volume), grid)
    return found.asymmetry if found else np.nan
