"""The one interface to every kind of classifier: ``fit`` on scans, ``load`` from a folder, ask for probabilities.

::

    cache = volume_cache(read_cohort(derivatives), folder)
    training = ScanSet("real", examples_of(cache, ids, "tle"))
    how = fitting_for(recipe.classifier, len(training), seed=0, device="cpu", precision="32-true")
    folder = fit(training, validation, how, out)  # out/model
    probabilities = load(folder).probabilities(volumes)  # (N,), of volumes (N, X, Y, Z)

The kinds are ``efficientnet``, ``cnn3d`` and ``volumes`` (``recipe.Classifier.kind``). All arms of a comparison take
the same ``Fitting``, so that they differ in their scans alone.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tlesynth import durable
from tlesynth.classifier.calibration import calibrated
from tlesynth.classifier.fitting import Fitting, fitting_for
from tlesynth.classifier.learning import fit_network
from tlesynth.classifier.model import ModelConfig, TrainedClassifier, load, load_config, save
from tlesynth.classifier.novelty import novelty_of
from tlesynth.classifier.scan_set import CLASSES, Example, ScanSet, examples_of
from tlesynth.classifier.table_fit import fit_table
from tlesynth.progress import say
from tlesynth.run_folder import RunFolder

MODEL, VALIDATED = "model", "val_predictions.tsv"


def fit(training: ScanSet, validation: ScanSet, how: Fitting, out: Path) -> Path:
    """Train a classifier in the run folder ``out`` and return its model folder; a finished one is kept, an interrupted
    one goes on.

    ``validation`` chooses the checkpoint, the temperature and the threshold. Nothing else is looked at.

    Raises:
        TlesynthError: DATA-008 if a set lacks a class, NII-030 if they lie on several grids, CFG-010 if ``out`` holds
            the training of others, CFG-002 for an unknown network, WTS-001 if its ImageNet weights are missing,
            NUM-001 if training breaks down, OPS-075 after a stop request.
    """
    for scans in (training, validation):
        scans.require_both_classes()
    grid = ScanSet(f"{training.name} and {validation.name}", training.examples + validation.examples).grid
    scans = {"arm": training.name, "training": training.digest(), "validation": validation.digest()}
    run = RunFolder.open(out, how.identity | scans | {"grid": grid.fingerprint})
    if run.finished:
        return out / MODEL
    steps = 0 if how.settings.kind == "volumes" else how.steps
    fitted = fit_network(training, validation, how, run) if steps else fit_table(training, validation, how)
    calibration = calibrated(fitted.logits, validation.positive, how.seed)
    probabilities = calibration.probabilities(fitted.logits)
    config = ModelConfig(
        settings=how.settings,
        arm=training.name,
        grid=grid.name,
        shape=grid.shape,
        grid_fingerprint=grid.fingerprint,
        n_train=training.counts(),
        n_val=len(validation),
        steps=steps,
        best_step=fitted.best_step,
        temperature=calibration.temperature,
        youden_threshold=youden_threshold(probabilities, validation.positive),
    )
    novelty = novelty_of(training, validation)
    save(out / MODEL, TrainedClassifier(config, fitted.scorer, calibration, novelty, training.average()))
    words = np.take(CLASSES[how.settings.task], validation.positive.astype(int))
    table = pd.DataFrame({"participant_id": validation.ids, "class": words, "logit": np.round(fitted.logits, 6)})
    durable.write_table(out / VALIDATED, table.assign(probability=np.round(probabilities, 6)))
    if "loading_share" in fitted.cost:
        spent = 100 * fitted.cost["loading_share"]
        say(f"classifier {training.name}: {spent:.1f} % of the time went into loading volumes")
    run.finish({"steps": steps, "best_step": fitted.best_step, "n_train": training.counts()} | fitted.cost)
    return out / MODEL


def youden_threshold(probabilities: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """The threshold of greatest sensitivity + specificity: half-way into the widest gap that attains it.

    ``probabilities`` (N,) in [0, 1], ``positive`` (N,) bool; a scan is called positive at or above the threshold.
    """
    edges = np.unique(np.concatenate([[0.0], probabilities, [1.0]]))
    cuts = (edges[1:] + edges[:-1]) / 2
    called = probabilities[None] >= cuts[:, None]  # (cuts, N)
    gain = called[:, positive].mean(axis=1) - called[:, ~positive].mean(axis=1)
    best = np.flatnonzero(gain >= gain.max() - 1e-12)
    return float(cuts[best[np.argmax(np.diff(edges)[best])]])


__all__ = [
    "Example",
    "Fitting",
    "ModelConfig",
    "ScanSet",
    "TrainedClassifier",
    "examples_of",
    "fit",
    "fitting_for",
    "load",
    "load_config",
]
