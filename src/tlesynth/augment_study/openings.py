"""Which studies opened the test scans of a run: ``splits_opened.json``, beside the splits whose test it is.

Each study opens test once. Several studies of one run have each seen it, and the best of them is no longer one result.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from tlesynth import durable
from tlesynth.data.splits.making import beside
from tlesynth.metrics.statistics import Json
from tlesynth.sharing.claims import one_at_a_time

NAME = "opened.json"


def record(splits: Path, out: Path, plan: str) -> int:
    """Write down, once, that the study in ``out`` with the hash ``plan`` opens test; returns the how-manieth it is.

    Raises:
        TlesynthError: DATA-001 if the record is damaged, RES-001 if it cannot be written.
    """
    path = beside(splits, NAME)
    this = {"study": os.path.relpath(out.resolve(), splits.resolve().parent), "plan": plan}
    with one_at_a_time(path.with_name(f".{path.name}.lock")):
        known: list[Json] = durable.read_json(path, "DATA-001") if path.is_file() else []
        for number, one in enumerate(known, 1):
            if this.items() <= one.items():
                return number
        durable.write_json(path, [*known, {"opened_at": time.strftime("%Y-%m-%d %H:%M:%S %z")} | this])
    return len(known) + 1
