"""What trained runs reached on held-out scans, side by side: the product's own training, ended by its own gate."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import Any

from machine import publish

from tlesynth import durable

ABOUT = "held-out figures of runs of tlesynth train autoencoder, with the core-seconds they took"
VALIDATED = "val_l1"
LEFT_OUT = ("spectrum", "shown", "tlesynth", "autoencoder")
"""Of the gate's file: curves, and what only matters in the run itself."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this part."""
    parser.add_argument(
        "runs",
        nargs="+",
        metavar="NAME=SECONDS=RUN",
        help="a run folder, its name here, and the core-seconds of its process (cputimes of ps)",
    )


def run(given: argparse.Namespace, out: Path) -> None:
    """Gather the runs that are named."""
    parts = [word.split("=", 2) for word in given.runs]
    publish("runs", {"runs": {name: result_of(Path(folder), float(seconds)) for name, seconds, folder in parts}}, out)


def result_of(folder: Path, core_seconds: float) -> dict[str, Any]:
    """One run: what it was told, its held-out curve, and what its gate measured."""
    gate, done = durable.read_json(folder / "gate.json"), durable.read_json(folder / "done.json")
    return {
        "core_seconds": core_seconds,
        "steps": done["steps"],
        "best_step": done["best_step"],
        "training_scans": done["scans"],
        "settings": durable.read_json(folder / "settings.json"),
        "held_out_l1_of_whole_volumes": curve_of(folder / "metrics.csv"),
        "gate": {key: value for key, value in gate.items() if key not in LEFT_OUT},
    }


def curve_of(metrics: Path) -> list[list[float]]:
    """(step, mean absolute error of whole held-out volumes, background counted) at every validation."""
    with open(metrics, encoding="utf-8") as file:
        return [[int(row["step"]), float(row[VALIDATED])] for row in csv.DictReader(file) if row.get(VALIDATED)]
