"""Training of the classifier's arms: the same network, seed, number of gradient steps and validation for each.

Checkpoint and threshold are chosen on val; test is not read here.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from tlesynth.classifier.arms import Arm, compose, refuse_synthetic
from tlesynth.classifier.fitting import fitting_for
from tlesynth.classifier.interface import fit
from tlesynth.classifier.scan_set import CLASSES, SYNTHETIC, ScanSet, classes_of, examples_of
from tlesynth.data.cohort import read_cohort
from tlesynth.data.splits import read_splits
from tlesynth.data.volume_cache import VolumeCache, volume_cache
from tlesynth.errors import fail
from tlesynth.locking import holding
from tlesynth.progress import say
from tlesynth.recipe import Classifier

CACHE = "volumes"
"""Folder below the stage's own that keeps both cohorts ready to be read."""


def train_classifiers(
    derivatives: Path,
    synthetic: Path,
    splits: Path,
    out: Path,
    settings: Classifier,
    *,
    seed: int,
    device: str,
    precision: str,
) -> None:
    """Train every arm of ``settings`` into ``out/<arm>``; finished arms are kept, an interrupted one goes on.

    Raises:
        TlesynthError: OPS-010 if another process trains there, DATA-013 if a synthetic volume stands in val or test,
            DATA-008 if gen_train or val lacks a class, NII-030 if the cohorts are on different grids, CFG-002 for an
            unknown network.
    """
    real, made = read_cohort(derivatives), read_cohort(synthetic)
    if real.grid != made.grid:
        raise fail("NII-030", synthetic, f"synthetic on {made.grid.name}, real on {real.grid.name}")
    refuse_synthetic(splits, real, made)
    members = read_splits(splits, real.ids)
    words, made_words = (classes_of(cohort, settings.task) for cohort in (real, made))
    training, val = (_with_both_classes(words, members[split], split, settings.task) for split in ("gen_train", "val"))
    arms = [compose(name, training, made_words, seed) for name in settings.arms]
    how = fitting_for(settings, len(training), seed=seed, device=device, precision=precision)
    waiting = [arm for arm in arms if not (out / arm.name / "done.json").is_file()]
    if not waiting:
        return
    with holding(out):
        caches = volume_cache(real, out / CACHE), volume_cache(made, out / CACHE)
        judges = ScanSet("val", examples_of(caches[0], val.index, settings.task))
        for arm in waiting:
            if (asked := arm.synthetic_asked) > len(arm.synthetic):
                say(f"classifier {arm.name}: {len(arm.synthetic)} synthetic scans of the {asked} asked for")
            fit(_scans(arm, caches, settings.task), judges, how, out / arm.name)


def _with_both_classes(words: pd.Series, ids: list[str], split: str, task: str) -> pd.Series:
    """The class of each of ``ids`` that the task is about, in their order; DATA-008 where a class is missing."""
    found = words[[i for i in ids if i in words.index]]
    if missing := [word for word in CLASSES[task] if word not in set(found)]:
        raise fail("DATA-008", split, f"no {missing[0]} scan")
    return found


def _scans(arm: Arm, caches: tuple[VolumeCache, VolumeCache], task: str) -> ScanSet:
    real, made = caches
    examples = examples_of(real, arm.real, task) + examples_of(made, arm.synthetic, task, SYNTHETIC)
    return ScanSet(arm.name, examples, arm.synthetic_asked)
