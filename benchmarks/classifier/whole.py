"""The paper's 2D classifier trained from its first step to its last by the product, on as many scans as are asked for.

What is measured is everything between a preprocessed cohort and a classifier that judges: the cache of volumes, the
training with its validations, calibration. Copies are bent scans of the same people, so that the time is that of so
many people and the AUC is not.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from pathlib import Path
from typing import Any

import pandas as pd
from enlarging import enlarged, in_proportion, sources
from machine import publish, tell
from timing import THREADS, Load

from tlesynth import durable, recipe
from tlesynth.classifier.interface import ScanSet, examples_of, fit, fitting_for, load
from tlesynth.data.cohort import read_cohort
from tlesynth.data.volume_cache import VolumeCache, volume_cache
from tlesynth.metrics.statistics import Json, auc_interval

ABOUT = "the whole training of the paper's 2D classifier on N scans: time, steps, share of loading, AUC on the held out"
SETTINGS = (
    "device=cpu",
    "precision=auto",
    "classifier.batch_size=32",
    "classifier.epochs=20",
    "classifier.restart_epochs=20",
)
"""What docs/metrics.md names for ten minutes on two cores; from random weights, not ImageNet's."""
SUBJECTS, MINUTES, MOST_LOADING = 400, 10.0, 0.5
CONFIDENCE = 0.95
TRAINED, CHOOSE, HELD_OUT = "gen_train", "val", ("test", "audit_holdout")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this part."""
    parser.add_argument("derivatives", type=Path, help="preprocessed real scans; gen_train is enlarged by bent copies")
    parser.add_argument("--splits", type=Path, required=True, help="their splits.tsv; val chooses, the others judge")
    parser.add_argument("--work", type=Path, required=True, help="folder that keeps the enlarged cohort")
    parser.add_argument("--n", type=int, default=SUBJECTS, help="training scans")
    parser.add_argument("--set", nargs="*", default=[], metavar="A.B=C", help="of the recipe that trains")
    parser.add_argument("--seed", type=int, default=0)


def run(given: argparse.Namespace, out: Path) -> None:
    """Enlarge, train, judge, publish."""
    whole = recipe.load("paper", [*SETTINGS, *given.set])
    cohort, people = read_cohort(given.derivatives), sources_of(given.derivatives, given.splits)
    taught = in_proportion(people[people["split"] == TRAINED], ["group"], len(people))
    many = enlarged(cohort, taught, given.n, given.work / "train", seed=given.seed, prefix="sub-bent", own=True)
    folder = given.work / "run"
    for name in ("cache", "run"):  # all of it is measured, so nothing may be left of another time
        shutil.rmtree(given.work / name, ignore_errors=True)
    cores = time.process_time()
    with Load() as used:
        began = time.monotonic()
        caches = volume_cache(many, given.work / "cache"), volume_cache(cohort, given.work / "cache")
        cached = time.monotonic() - began
        model = trained(caches, ids_in(people, (CHOOSE,)), whole, given.seed, folder)
    cores = time.process_time() - cores
    done = durable.read_json(folder / "done.json")
    tell(f"{done['steps']} steps in {used.wall:.0f} s")
    result = {
        "unit": "seconds; core-seconds of all threads; wall_s holds cache_s, loading_share is of the training alone",
        "scans": {"training": given.n, "people": len(taught), "grid": cohort.grid.name},
        "settings": told(whole),
        "steps": done["steps"],
        "best_step": done["best_step"],
        "wall_s": round(used.wall, 1),
        "cache_s": round(cached, 1),
        "core_s": round(cores, 1),
        "cores_used": round(cores / used.wall, 2),
        "loading_share": done["loading_share"],
        "held_out": judged(model, caches[1], ids_in(people, HELD_OUT), whole.classifier.task),
    }
    publish("whole", result | goals(given.n, used.wall, cores, done["loading_share"]) | {"load": used.result()}, out)


def sources_of(derivatives: Path, splits: Path) -> pd.DataFrame:
    """The people of a cohort who stand in a split, with their ``split``."""
    cohort = read_cohort(derivatives)
    split_of = sources(cohort, durable.read_table(splits))
    return cohort.participants.loc[list(split_of)].assign(split=pd.Series(split_of))


def ids_in(people: pd.DataFrame, splits: tuple[str, ...]) -> list[str]:
    """Who stands in one of ``splits``."""
    return [str(name) for name in people.index[people["split"].isin(splits)]]


def trained(
    caches: tuple[VolumeCache, VolumeCache], judges: list[str], whole: recipe.Recipe, seed: int, folder: Path
) -> Path:
    """The product's own training on all scans of the first cache, those of ``judges`` in the second choosing."""
    settings, (mine, theirs) = whole.classifier, caches
    training = ScanSet("real", examples_of(mine, mine.cohort.ids, settings.task))
    validation = ScanSet(CHOOSE, examples_of(theirs, judges, settings.task))
    how = fitting_for(settings, len(training), seed=seed, device=whole.device, precision=whole.precision)
    return fit(training, validation, how, folder)


def judged(model: Path, cache: VolumeCache, ids: list[str], task: str) -> Json:
    """AUC on people of whom neither training nor choosing saw a scan."""
    scans = ScanSet("held out", examples_of(cache, ids, task))
    probabilities = load(model).probabilities(scans.volumes(range(len(scans))), cache.cohort.grid)
    return {"people": len(scans), "auc_roc": auc_interval(probabilities, scans.positive, CONFIDENCE)}


def goals(n: int, wall: float, cores: float, loading: float) -> dict[str, Any]:
    """Ten minutes for the size they are about, on two cores; loading that does not dominate, at any size.

    ``wall`` decides. On a busy machine it holds others' work too; ``cores``, core-seconds over the threads, is the
    least that it could have been.
    """
    minutes = {"wall": round(wall / 60, 2), "cores": round(cores / THREADS / 60, 2), "most": MINUTES}
    met = {"met": wall / 60 < MINUTES} if n >= SUBJECTS else {}
    return {"minutes": minutes | met, "loading": {"most": MOST_LOADING, "met": loading < MOST_LOADING}}


def told(whole: recipe.Recipe) -> dict[str, Any]:
    """The settings that make the training what it is."""
    kept = ("kind", "network", "pretrained", "batch_size", "epochs", "restart_epochs", "learning_rate", "steps")
    return json.loads(whole.classifier.model_dump_json(include=set(kept))) | {"precision": whole.precision}
