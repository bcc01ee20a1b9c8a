"""One job of the study: train a classifier on its arm's scans, let validation choose, and, later, judge test.

::

    jobs/NAME/             what a training leaves (``run_folder``), with model/ until test has been judged
    jobs/NAME/validation.tsv, probabilities.tsv, synthetic.tsv     verdicts (``verdicts.COLUMNS``)
    jobs/NAME/failed.json  code and message, if it failed

Test is not read while any training of the study is left: ``judge_test`` is a step of its own.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tlesynth import durable
from tlesynth.augment_study.arms import CLASSICAL, PERMUTED, REAL, SYNTHETIC, Item, Pools, compose
from tlesynth.augment_study.plan import Training
from tlesynth.augment_study.verdicts import COLUMNS
from tlesynth.classifier.interface import (
    MODEL,
    Example,
    ScanSet,
    TrainedClassifier,
    examples_of,
    fit,
    fitting_for,
    load,
)
from tlesynth.classifier.scan_set import labels_of
from tlesynth.classifier.structure_figures import figures, sizes_in
from tlesynth.classifier.table_models import TableScorer
from tlesynth.data.cohort import read_cohort
from tlesynth.data.volume_cache import VolumeCache, volume_cache
from tlesynth.errors import TlesynthError
from tlesynth.progress import hushed
from tlesynth.recipe import Augmentation, AugmentStudy, Classifier
from tlesynth.seeds import generator

VALIDATION, TEST, MADE, FAILED = "validation.tsv", "probabilities.tsv", "synthetic.tsv", "failed.json"
NOT_KEPT = ("checkpoints", "tensorboard")
"""Of a finished training: hundreds of them would fill a disk, and the plan and its seed make each again."""
STOPS = ("OPS-075", "RES-001", "RES-020")
"""Errors that end the study, since every other training would meet them too."""
PREDICTED_AT_ONCE = 16


@dataclass(frozen=True)
class Workplace:
    """Where everything is, and what all trainings share; small, because it travels to every worker."""

    cohorts: dict[str, Path]
    """Folders of the cohorts real, synthetic and reconstructed."""
    cache: Path
    jobs: Path
    spare: tuple[str, ...]
    """Real scans that only the arm more-real may use."""
    study: AugmentStudy
    classifier: Classifier
    seed: int
    device: str
    precision: str

    def folder(self, training: Training) -> Path:
        """Where a job's files lie."""
        return self.jobs / training.name

    def classifier_of(self, network: str, arm: str) -> Classifier:
        """The classifier of an arm: only classical varies its scans."""
        varied = self.study.classical if arm == CLASSICAL else Augmentation()
        steps = self.study.steps or self.classifier.steps
        return self.classifier.model_copy(update={"kind": network, "augmentation": varied, "steps": steps})

    def alone(self) -> Workplace:
        """The same without sharing: what one process does once all the others are through."""
        whole = self.study.sharing.model_copy(update={"shard": ""})
        return replace(self, study=self.study.model_copy(update={"sharing": whole}))

    def caches(self) -> dict[str, VolumeCache]:
        """Every cohort's volumes, mapped into memory."""
        return {origin: volume_cache(read_cohort(path), self.cache) for origin, path in self.cohorts.items()}


@dataclass(frozen=True)
class Task:
    """A training and where it is done."""

    training: Training
    at: Workplace


def pools_of(caches: dict[str, VolumeCache], train: Iterable[str], spare: Iterable[str], task: str) -> Pools:
    """The labels of the scans an arm may draw from; those that ``task`` is not about are left out."""
    real, made = (pd.Series(labels_of(caches[o].cohort, task), dtype=bool) for o in (REAL, SYNTHETIC))
    here, beside = ([i for i in ids if i in real.index] for ids in (train, spare))
    return Pools(real[here], made, real[beside])


def do_training(task: Task) -> str:
    """Train, and judge validation; returns "" or, if it failed, why.

    Raises:
        TlesynthError: OPS-075 after a stop request, RES-001 or RES-020 where nothing else could be done either.
    """
    training, at = task.training, task.at
    folder = at.folder(training)
    try:
        with hushed():
            _train(training, at, folder)
    except TlesynthError as error:
        if error.code in STOPS:
            raise
        durable.write_json(folder / FAILED, {"code": error.code, "message": error.finding})
        return error.finding
    (folder / FAILED).unlink(missing_ok=True)
    return ""


def judge_test(task: Task) -> str:
    """Judge a split's test scans with the finished classifier; done once, and kept."""
    training, at = task.training, task.at
    folder, cache = at.folder(training), at.caches()[REAL]
    if not (folder / TEST).is_file():
        trained = load(folder / MODEL, at.device)
        scans = ScanSet("test", examples_of(cache, training.split.test, at.classifier.task))
        durable.write_table(folder / TEST, verdicts(trained, scans, training))
        shutil.rmtree(folder / MODEL, ignore_errors=True)
    return ""


def lost(task: Task) -> str:
    """What stands in for a training whose process died twice."""
    return _given_up(task, "OPS-001", "its process died twice: out of memory, or a crash")


def late(task: Task) -> str:
    """What stands in for a training that took longer than ``augment_study.job_seconds``."""
    return _given_up(task, "OPS-003", "it took too long")


def why_failed(task: Task) -> str:
    """Why a training failed, if it did."""
    path = task.at.folder(task.training) / FAILED
    return str(durable.read_json(path)["message"]) if path.is_file() else ""


def is_judged(task: Task) -> bool:
    """Whether a training's classifier has judged test."""
    return (task.at.folder(task.training) / TEST).is_file()


def is_trained(task: Task) -> bool:
    """Whether a training has come to its end."""
    return (task.at.folder(task.training) / VALIDATION).is_file()


def verdicts(trained: TrainedClassifier, scans: ScanSet, training: Training) -> pd.DataFrame:
    """What a classifier says of scans, as a table of ``verdicts.COLUMNS``."""
    probability = _probabilities(trained, scans)
    table = pd.DataFrame({"participant_id": scans.ids, "truth": scans.positive.astype(int)})
    table["probability"] = np.round(probability, 6)
    table["called"] = (probability >= trained.config.youden_threshold).astype(int)
    known = {"network": training.network, "arm": training.arm, "split": training.split.name, "seed": training.seed}
    return table.assign(**known)[list(COLUMNS)]


def measure(at: Workplace) -> None:
    """Measure the structures of every scan, once and before several processes want them."""
    for cache in at.caches().values():
        sizes_in(ScanSet(cache.cohort.root.name, (Example(cache, 0, True),)))


def _probabilities(trained: TrainedClassifier, scans: ScanSet) -> NDArray[np.float64]:
    """Calibrated probabilities (N,); where figures of structures are judged, those that are kept beside the cache."""
    if isinstance(trained.scorer, TableScorer):
        table = figures(sizes_in(scans), trained.config.settings)
        return trained.calibration.probabilities(trained.scorer.model.logits(table))
    starts = range(0, len(scans), PREDICTED_AT_ONCE)
    parts = [trained.probabilities(scans.volumes(range(s, min(s + PREDICTED_AT_ONCE, len(scans))))) for s in starts]
    return np.concatenate(parts)


def _given_up(task: Task, code: str, why: str) -> str:
    durable.write_json(task.at.folder(task.training) / FAILED, {"code": code, "message": why})
    return why


def _train(training: Training, at: Workplace, folder: Path) -> None:
    caches, task, settings = at.caches(), at.classifier.task, at.classifier_of(training.network, training.arm)
    pools = pools_of(caches, training.split.train, at.spare, task)
    seed = training.drawn_from(at.seed)
    scans = _scan_set(training.arm, compose(training.arm, pools, seed), caches)
    judges = ScanSet("val", examples_of(caches[REAL], training.split.val, task))
    how = fitting_for(settings, len(pools.real), seed=seed, device=at.device, precision=at.precision)
    choosing = _permuted(judges, seed) if training.arm == PERMUTED else judges
    trained = load(fit(scans, choosing, how, folder), at.device)
    if training.arm == REAL and not training.split.site:
        made = caches[SYNTHETIC]
        shown = ScanSet("synthetic", examples_of(made, made.cohort.ids, task, SYNTHETIC))
        durable.write_table(folder / MADE, verdicts(trained, shown, training))
    durable.write_table(folder / VALIDATION, verdicts(trained, judges, training))
    for name in NOT_KEPT:
        shutil.rmtree(folder / name, ignore_errors=True)


def _permuted(scans: ScanSet, seed: int) -> ScanSet:
    """The same scans with each other's labels: chosen by true ones, a classifier of shuffled labels would not guess."""
    labels = generator(seed, "arm", PERMUTED, "val").permutation(scans.positive)
    examples = (replace(e, positive=bool(p)) for e, p in zip(scans.examples, labels, strict=True))
    return replace(scans, examples=tuple(examples))


def _scan_set(name: str, items: tuple[Item, ...], caches: dict[str, VolumeCache]) -> ScanSet:
    rows = {origin: cache.rows for origin, cache in caches.items()}
    return ScanSet(
        name,
        tuple(Example(caches[i.origin], rows[i.origin][i.participant_id], i.positive, i.origin) for i in items),
    )
