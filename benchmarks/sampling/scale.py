"""Cohorts of growing size: time a subject, memory, and whether a subject depends on its batch (P11)."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from generators import SAMPLER, subjects, write_models
from machine import held, publish, tell
from timing import THREADS, Load

from tlesynth import durable
from tlesynth.data.cohort import read_cohort
from tlesynth.recipe import AutoencoderNetwork, DiffusionNetwork, Inference, Sample
from tlesynth.synthesis.cohort import sample_cohort
from tlesynth.synthesis.synthesizer import synthesizer_of
from tlesynth.volume import GRIDS

ABOUT = "time a subject and peak memory of cohorts of 8, 64, ... subjects, each in a process of its own (P11)"
SCRIPT = Path(__file__).parents[1] / "sampling.py"
GRID = GRIDS["mni-3mm"]
CODER = AutoencoderNetwork(design="lean", channels=(16, 64), residual_blocks=1)
DENOISERS = {
    "full": DiffusionNetwork(patch=(2, 1, 2), depth=4, width=192, heads=3),
    "tiny": DiffusionNetwork(patch=(14, 17, 14), depth=1, width=48, heads=2),
}
STEPS = {"full": 10, "tiny": 2}
SIZES = {"full": (8, 64), "tiny": (2, 4)}
BATCH = 4
OTHER_BATCHES = (1, 3, 8)
MOST_RATIO, MOST_MIB = 1.05, 50.0


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this part."""
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--volume", choices=list(DENOISERS), default="full", help="the grid is that of 3 mm in both")
    parser.add_argument("--n", type=int, nargs="+", help="sizes of cohorts, rising; else 8 and 64")
    parser.add_argument("--child", nargs=4, metavar=("MODELS", "N", "BATCH", "STEPS"), help=argparse.SUPPRESS)


def run(given: argparse.Namespace, out: Path) -> None:
    """Measure and publish, or be one of the measured processes."""
    if given.child:
        models, n, batch, steps = given.child
        print(json.dumps(drawn(Path(models), int(n), int(batch), int(steps))))
        return
    sizes, steps = tuple(given.n or SIZES[given.volume]), STEPS[given.volume]
    with tempfile.TemporaryDirectory() as folder, Load() as load:
        write_models(Path(folder), GRID, CODER, DENOISERS[given.volume])
        made = {n: [] for n in sizes}
        for number in range(1, given.passes + 1):
            for n, runs in made.items():
                runs.append(_child(folder, n, BATCH, steps))
                tell(f"pass {number}/{given.passes}  {n:4d} subjects  {runs[-1]['seconds'] / n:.3f} s each")
        others = {batch: _child(folder, sizes[0], batch, steps) for batch in OTHER_BATCHES}
    result = verdicts(made) | {"same_bits": same_bits(made, others)}
    how = {"grid": GRID.name, "sampler": SAMPLER, "steps": steps, "batch": BATCH, "load": load.result()}
    publish("scale", result | how, out)


def drawn(models: Path, n: int, batch: int, steps: int) -> dict[str, Any]:
    """Draw and write a cohort of ``n``: core-seconds, peak memory of the process, and a hash of each volume."""
    settings = Sample(sampler=SAMPLER, steps=steps, batch_size=batch)
    source = synthesizer_of(
        models / "autoencoder",
        models / "diffusion",
        settings,
        seed=0,
        device="cpu",
        inference=Inference(precision="auto"),
    )
    with tempfile.TemporaryDirectory() as folder:
        sample_cohort(source, subjects(batch, "warm"), Path(folder) / "warm")
        started = time.process_time()
        sample_cohort(source, subjects(n), Path(folder) / "cohort")
        seconds = (time.process_time() - started) / THREADS
        peak = held("VmHWM")
        cohort = read_cohort(Path(folder) / "cohort")
        hashes = {name: durable.hash_of(cohort.volume(name).tobytes().hex()) for name in cohort.ids}
    return {"seconds": seconds, "peak_gib": peak, "hashes": hashes}


def verdicts(made: dict[int, list[dict[str, Any]]]) -> dict[str, Any]:
    """Time a subject of the larger cohorts over that of the smallest, and how much more memory they take."""
    each = {n: [one["seconds"] / n for one in runs] for n, runs in made.items()}
    peaks = {n: max(one["peak_gib"] for one in runs) for n, runs in made.items()}
    first = min(made)
    larger = {}
    for n in (n for n in made if n != first):
        ratio = statistics.median(each[n]) / statistics.median(each[first])
        more = (peaks[n] - peaks[first]) * 1024
        larger[str(n)] = {
            "ratio": round(ratio, 3),
            "most": MOST_RATIO,
            "more_mib": round(more, 1),
            "most_mib": MOST_MIB,
            "met": ratio <= MOST_RATIO and more <= MOST_MIB,
        }
    subject = {
        str(n): {"median_s": round(statistics.median(s), 4), "runs_s": [round(x, 4) for x in s]}
        for n, s in each.items()
    }
    ratios = [entry["ratio"] for entry in larger.values()]
    peak = {str(n): round(gib, 3) for n, gib in peaks.items()}
    unit = "core-seconds / threads a subject, written; peak resident memory of the process"
    return {
        "scale_ratio": max(ratios),
        "unit": unit,
        "against": first,
        "larger": larger,
        "subject": subject,
        "peak_gib": peak,
    }


def same_bits(made: dict[int, list[dict[str, Any]]], others: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """Whether every subject is the same volume in every cohort, run and batch."""
    hashes: dict[str, set[str]] = {}
    for one in [*(one for runs in made.values() for one in runs), *others.values()]:
        for name, found in one["hashes"].items():
            hashes.setdefault(name, set()).add(found)
    differ = sorted(name for name, found in hashes.items() if len(found) > 1)
    return {"batches": [BATCH, *others], "subjects": len(hashes), "differ": differ, "met": not differ}


def _child(folder: str, n: int, batch: int, steps: int) -> dict[str, Any]:
    words = [sys.executable, str(SCRIPT), "scale", "--child", folder, str(n), str(batch), str(steps)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{n} subjects: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.splitlines()[-1])
