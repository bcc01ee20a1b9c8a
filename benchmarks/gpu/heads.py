"""A simulated cohort as preprocessing would leave it, drawn directly on the grid, by a process a core.

``tlesynth simulate`` and ``preprocess`` take a minute of a core for each head, most of it in ANTs, and none of that on
a GPU: here the networks are to have something to learn from. Hippocampi are measured by the product.
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from clock import arguments as common
from machine import publish

from tlesynth import durable
from tlesynth.data.cohort import VOLUMES, CohortWriter, thumbnail, thumbnail_path
from tlesynth.data.preprocess.volumes import by_registration
from tlesynth.data.simulate import scan, subjects
from tlesynth.data.simulate.cohort import facts
from tlesynth.data.simulate.crop import render_head
from tlesynth.data.simulate.shape import shape
from tlesynth.progress import track
from tlesynth.recipe import Simulate
from tlesynth.seeds import generator
from tlesynth.sharing.crew import Crew
from tlesynth.volume import GRIDS, Grid

ABOUT = "a simulated cohort drawn on the grid, for `whole` to learn from"
TOLD = "Simulated heads drawn on the grid as preprocessing would leave them. No person was scanned."
GRID_OF = {"full": "mni-1.5mm", "tiny": "mni-3mm"}
SCANNER_MM = 1.0


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this part."""
    common(parser)
    parser.add_argument("work", type=Path, help="folder of the run; its derivatives are written")
    parser.add_argument("--subjects", type=int, default=400, help="half of them patients")
    parser.add_argument("--jobs", type=int, default=0, help="processes; 0: one a core")
    parser.add_argument("--seed", type=int, default=0)


def run(given: argparse.Namespace, out: Path) -> None:
    """Draw the cohort, and tell how long it took."""
    grid, began = GRIDS[GRID_OF[given.size]], time.monotonic()
    half = given.subjects // 2
    settings = Simulate(n_hc=given.subjects - half, n_tle=half, voxel_mm=SCANNER_MM, sites=4, failed_scans=0.0)
    draw_cohort(settings, given.work / "derivatives", grid, given.seed, given.jobs)
    seconds = time.monotonic() - began
    found = {"subjects": given.subjects, "grid": grid.name, "wall_s": round(seconds, 1), "jobs": given.jobs}
    publish("heads", found, out)


def draw_cohort(settings: Simulate, out: Path, grid: Grid, seed: int, jobs: int) -> None:
    """Write ``settings.n_hc`` controls and ``settings.n_tle`` patients on ``grid``, their volumes and their truth."""
    people = subjects.design(settings, seed)
    sites = [scan.draw_site(number, settings, seed) for number in range(settings.sites)]
    writer = CohortWriter(out, grid, "preproc", "Simulated cohort on the grid", TOLD, license="CC0")
    work = partial(_draw, sites=sites, settings=settings, seed=seed, writer=writer)
    made: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
    todo = {who.participant_id: who for who in people}
    for name, rows in track(Crew(work, jobs, _lost).each(todo), "drawing heads", len(people)):
        made[name] = rows
    measured, truth = (pd.DataFrame([made[who.participant_id][part] for who in people]) for part in (0, 1))
    durable.write_table(out / VOLUMES, measured)
    durable.write_table(out.parent / "truth.tsv", truth)
    table = pd.DataFrame([vars(who) | {"site": sites[who.site].name} for who in people])
    writer.finish(table.set_index("participant_id"))


def _draw(
    who: subjects.Assignment, sites: list[scan.Site], settings: Simulate, seed: int, writer: CohortWriter
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Draw and write one head; its measured volumes and its truth."""
    torch.set_num_threads(1)
    name, site = who.participant_id, sites[who.site]
    latents = subjects.draw(who, settings, seed, shifts=(site.severity_shift, site.volume_shift))
    made = shape(latents, generator(seed, "shape", name))
    head = render_head(latents, made, site, settings.voxel_mm, generator(seed, "scan", name), writer.grid)
    head = np.ascontiguousarray(head[::-1] if who.side == "left" else head)
    writer.write(name, head, {"Simulated": True})
    kept = thumbnail_path(writer.root, name)
    kept.parent.mkdir(parents=True, exist_ok=True)
    np.save(kept, thumbnail(head, writer.grid))
    measured = by_registration(head, writer.grid, 1.0)
    return {"participant_id": name} | measured, {"participant_id": name} | facts(latents, made, 1.0, who.side)


def _lost(who: subjects.Assignment) -> tuple[dict[str, Any], dict[str, Any]]:
    raise RuntimeError(f"the process that drew {who.participant_id} was killed twice")
