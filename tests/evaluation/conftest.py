"""A small run on the 3 mm grid: template heads with planted loss, reconstructions and a synthetic cohort."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from tlesynth import durable
from tlesynth.classifier import model
from tlesynth.classifier.calibration import Calibration
from tlesynth.classifier.network_scorer import NetworkScorer, network_for
from tlesynth.classifier.novelty import Novelty
from tlesynth.data.anatomy import SIDES, hippocampus_mask, pull
from tlesynth.data.cohort import CohortWriter
from tlesynth.data.deformation import exponential, jacobian_determinant, sample
from tlesynth.data.template import load_template
from tlesynth.recipe import Classifier
from tlesynth.volume import GRIDS

GRID = GRIDS["mni-3mm"]


@dataclass(frozen=True)
class Head:
    """A phantom (X, Y, Z) and the true volumes of its hippocampi in mm3."""

    volume: np.ndarray
    left: float
    right: float


def figures(value: object) -> list[dict[str, Any]]:
    """Every interval and every place holder below ``value``."""
    if isinstance(value, dict):
        if "low" in value or "not_computed" in value:
            return [value]
        return [f for v in value.values() for f in figures(v)]
    return []


def head(seed: int, left: float = 0.0, right: float = 0.0) -> Head:
    """The template with noise and each hippocampus contracted (0.27: 40 % lost; below 0 it grows)."""
    torch.set_num_threads(1)
    world, template = GRID.world(), load_template(GRID)
    velocity = left * pull("hippocampus", world, "left") + right * pull("hippocampus", world, "right")
    image = sample(template.t1[None], GRID, world + exponential(-velocity, GRID))[0]
    noise = np.random.default_rng(seed).normal(0, 0.02, GRID.shape)
    jacobian = jacobian_determinant(exponential(velocity, GRID), GRID)
    truth = [float((hippocampus_mask(template, GRID, side) * jacobian).sum()) * GRID.spacing**3 for side in SIDES]
    return Head((np.clip(image + noise, 1e-3, 1) * (image > 0.1)).astype(np.float32), *truth)


@dataclass(frozen=True)
class Run:
    """The folders that ``evaluate`` reads."""

    derivatives: Path
    reconstructions: Path
    synthetic: Path
    splits: Path
    classifiers: Path
    truth: Path


SPLIT_OF = ("gen_train", "gen_train", "gen_train", "val", "test", "test", "test")


def make_run(root: Path) -> Run:
    """Seven heads per group in the real cohort, four in the synthetic one; TLE lost a third of one hippocampus."""
    folders = {name: root / name for name in ("derivatives", "reconstructions", "synthetic")}
    writers = {name: CohortWriter(folder, GRID, name[:5], name, "phantoms") for name, folder in folders.items()}
    people: dict[str, list[dict[str, object]]] = {name: [] for name in folders}
    splits, truth = [], []
    rng = np.random.default_rng(3)
    for cohort, count in (("derivatives", len(SPLIT_OF)), ("synthetic", 4)):
        for group in ("hc", "tle"):
            for k in range(count):
                identity = f"sub-{'syn' if cohort == 'synthetic' else 'real'}{group}{k}"
                side = None if group == "hc" else SIDES[k % 2]
                loss = {s: float(rng.normal(0.25 if s == side else 0, 0.02)) for s in SIDES}
                made = head(len(splits) + 100 * k, loss["left"], loss["right"])
                writers[cohort].write(identity, made.volume, {})
                person = {"participant_id": identity, "group": group, "side": side}
                people[cohort].append(person)
                if cohort == "synthetic":
                    continue
                splits.append({"participant_id": identity, "group": group, "split": SPLIT_OF[k]})
                truth.append(
                    {"participant_id": identity} | {f"hippocampus_{s}_mni_mm3": getattr(made, s) for s in SIDES}
                )
                if SPLIT_OF[k] in ("val", "test"):
                    writers["reconstructions"].write(
                        identity, np.clip(made.volume + 0.01 * (made.volume > 0), 0, 1), {}
                    )
                    people["reconstructions"].append(person)
    for name, writer in writers.items():
        writer.finish(pd.DataFrame(people[name]).set_index("participant_id"))
    durable.write_table(root / "splits.tsv", pd.DataFrame(splits))
    durable.write_table(root / "truth.tsv", pd.DataFrame(truth))
    for arm in ("real", "real+0.25"):
        save_untrained(root / "classifier" / arm / "model", arm)
    return Run(
        *(folders[n] for n in ("derivatives", "reconstructions", "synthetic")),
        root / "splits.tsv",
        root / "classifier",
        root / "truth.tsv",
    )


def save_untrained(folder: Path, arm: str) -> None:
    """A classifier with random weights: its figures are noise, their arithmetic is not."""
    settings = Classifier(network="test_efficientnet")
    config = model.ModelConfig(
        settings=settings,
        arm=arm,
        grid=GRID.name,
        shape=GRID.shape,
        grid_fingerprint=GRID.fingerprint,
        n_train={"real": 6, "synthetic": 0, "synthetic_asked": 0},
        n_val=2,
        steps=1,
        best_step=1,
        temperature=1.0,
        youden_threshold=0.5,
    )
    scorer = NetworkScorer(network_for(settings, GRID, seed=len(arm)))
    calibration = Calibration(1.0, np.array([[1.0, 0.0]]))
    novelty = Novelty(3.0, np.zeros(2), np.ones(2), np.eye(2)[:1], np.ones(1), 1.0, 1.0)
    average = np.zeros(GRID.shape, np.float16)
    model.save(folder, model.TrainedClassifier(config, scorer, calibration, novelty, average))


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One run for all tests: they only read it."""
    return make_run(tmp_path_factory.mktemp("run"))
