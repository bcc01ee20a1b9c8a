"""Training of the classifier's arms: the same network, seed, number of gradient steps and validation for each.

Steps, not epochs: an arm with more scans would otherwise also get more updates, and what looks like the worth of
synthetic data would be the worth of longer training. Checkpoint and threshold are chosen on val; test is not read here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from tlesynth import durable
from tlesynth.classifier import model
from tlesynth.classifier.arms import Arm, compose, read_members, refuse_synthetic
from tlesynth.classifier.networks import build
from tlesynth.data.cohort import GROUPS, Cohort, read_cohort
from tlesynth.errors import fail
from tlesynth.locking import holding
from tlesynth.progress import say, track
from tlesynth.recipe import Classifier
from tlesynth.run_folder import RunFolder
from tlesynth.seeds import seed_of
from tlesynth.training import Learner, Order, Rhythm, Segment, fabric_for, train
from tlesynth.volume import Grid

TIE_BREAK = 1e-3
"""Weight of the cross-entropy beside 1 - AUC in the validation score: it only decides between equal rankings."""


@dataclass(frozen=True)
class Scans:
    """Volumes (N, X, Y, Z) float16 with their labels (N,) float32, 1 for TLE, and their row by participant."""

    volumes: Tensor
    labels: Tensor
    rows: dict[str, int]

    def rows_of(self, arm: Arm) -> Tensor:
        """Where the scans of ``arm`` stand, (n,) int64."""
        return torch.tensor([self.rows[i] for i in (*arm.real, *arm.synthetic)], dtype=torch.long)


@dataclass(frozen=True)
class Plan:
    """What all arms share."""

    settings: Classifier
    grid: Grid
    steps: int
    restart: int
    seed: int
    device: str
    precision: str


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
    members = read_members(splits, real)
    training, val_ids = (_with_both_classes(real, members.get(split, []), split) for split in ("gen_train", "val"))
    groups = real.participants.loc[training, "group"]
    arms = [compose(name, groups, made.participants["group"], seed) for name in settings.arms]
    plan = _plan(settings, real.grid, len(training), (seed, device, precision))
    waiting = [arm for arm in arms if not (out / arm.name / "done.json").is_file()]
    if not waiting:
        return
    with holding(out):
        val = _read([(real, val_ids)], "reading val")
        real_ids, made_ids = (sorted({i for ids in used for i in ids}) for used in _used(waiting))
        pool = _read([(real, real_ids), (made, made_ids)], "reading training scans")
        for arm in waiting:
            if (asked := arm.synthetic_asked) > len(arm.synthetic):
                say(f"classifier {arm.name}: {len(arm.synthetic)} synthetic scans of the {asked} asked for")
            _train_arm(arm, pool, val, out / arm.name, plan)


def youden_threshold(probabilities: np.ndarray, positive: np.ndarray) -> float:
    """The threshold of greatest sensitivity + specificity: half-way into the widest gap that attains it.

    ``probabilities`` (N,) in [0, 1], ``positive`` (N,) bool; a scan is called TLE at or above the threshold.
    """
    edges = np.unique(np.concatenate([[0.0], probabilities, [1.0]]))
    cuts = (edges[1:] + edges[:-1]) / 2
    called = probabilities[None] >= cuts[:, None]  # (cuts, N)
    gain = called[:, positive].mean(axis=1) - called[:, ~positive].mean(axis=1)
    best = np.flatnonzero(gain >= gain.max() - 1e-12)
    return float(cuts[best[np.argmax(np.diff(edges)[best])]])


def validation_figures(probabilities: np.ndarray, positive: np.ndarray) -> dict[str, float]:
    """AUC and cross-entropy of val, and ``score`` = 1 - AUC (ties by cross-entropy), lower is better."""
    wins = probabilities[positive][:, None] - probabilities[~positive][None]
    auc = float(((wins > 0) + 0.5 * (wins == 0)).mean())
    right = np.where(positive, probabilities, 1 - probabilities)
    entropy = float(-np.log(np.clip(right, 1e-12, 1)).mean())
    return {"score": 1 - auc + TIE_BREAK * entropy, "auc": auc, "cross_entropy": entropy}


def _with_both_classes(cohort: Cohort, ids: list[str], split: str) -> list[str]:
    present = set(cohort.participants.loc[ids, "group"])
    if missing := [g for g in GROUPS if g not in present]:
        raise fail("DATA-008", split, f"no {missing[0]} scan")
    return ids


def _plan(settings: Classifier, grid: Grid, n_real: int, how: tuple[int, str, str]) -> Plan:
    per_epoch = -(-n_real // settings.batch_size)
    steps = settings.steps or settings.epochs * per_epoch
    return Plan(settings, grid, steps, settings.restart_epochs * per_epoch, *how)


def _used(arms: list[Arm]) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    return [arm.real for arm in arms], [arm.synthetic for arm in arms]


def _train_arm(arm: Arm, pool: Scans, val: Scans, folder: Path, plan: Plan) -> None:
    settings = plan.settings
    run = RunFolder.open(folder, _identity(arm, plan))
    fabric = fabric_for(plan.device, plan.precision)
    bare = build(settings.network, plan.grid.shape[1], seed_of(plan.seed, "classifier", "weights"))
    network, optimizer = fabric.setup(bare, torch.optim.Adam(bare.parameters(), lr=settings.learning_rate))
    schedule = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, plan.restart, T_mult=2)
    rows = pool.rows_of(arm)
    order = Order(len(rows), settings.batch_size, plan.seed, "classifier")
    positive = val.labels.numpy() > 0.5

    def loss(step: int) -> Iterator[dict[str, Tensor]]:
        drawn = rows[order.batch(step)]
        volumes = pool.volumes[drawn].to(fabric.device, torch.float32)
        yield {"loss": binary_cross_entropy_with_logits(network(volumes).float(), pool.labels[drawn].to(fabric.device))}

    def validate() -> dict[str, float]:
        return validation_figures(model.probabilities(network, val.volumes), positive)

    position = train(
        run,
        fabric,
        {"classifier": Learner(network, optimizer, loss, schedule)},
        [Segment("classifier", "classifier", "classifier", plan.steps)],
        validate=validate,
        rhythm=Rhythm(settings.validate_every, settings.checkpoint_every),
        label=f"classifier {arm.name}",
    )
    found = model.probabilities(network, val.volumes)
    config = model.ModelConfig(
        network=settings.network,
        arm=arm.name,
        grid=plan.grid.name,
        shape=plan.grid.shape,
        grid_fingerprint=plan.grid.fingerprint,
        n_train=arm.counts(),
        steps=plan.steps,
        best_step=position.best["best"].step,
        youden_threshold=youden_threshold(found, positive),
    )
    model.save(folder / "model", bare, config)
    groups = np.where(positive, "tle", "hc")
    table = pd.DataFrame({"participant_id": list(val.rows), "group": groups, "probability": np.round(found, 6)})
    durable.write_table(folder / "val_predictions.tsv", table)
    run.finish({"steps": plan.steps, "best_step": position.best["best"].step, "n_train": arm.counts()})


def _identity(arm: Arm, plan: Plan) -> dict[str, Any]:
    """What determines an arm's weights; a folder made with another is refused."""
    settings = plan.settings.model_dump(mode="json", exclude={"arms"})
    scans = {"arm": arm.name, "real": arm.real, "synthetic": arm.synthetic, "grid": plan.grid.fingerprint}
    return {"classifier": settings, "seed": plan.seed, "steps": plan.steps, **scans}


def _read(parts: list[tuple[Cohort, list[str]]], label: str) -> Scans:
    """Several cohorts' scans in one block of memory: at full size a second copy would not fit."""
    wanted = [(cohort, i) for cohort, ids in parts for i in ids]
    volumes = torch.empty((len(wanted), *parts[0][0].grid.shape), dtype=torch.float16)
    for row, (cohort, participant_id) in enumerate(track(wanted, label, len(wanted))):
        volumes[row] = torch.from_numpy(cohort.volume(participant_id))
    labels = [float(cohort.participants.at[i, "group"] == "tle") for cohort, i in wanted]
    return Scans(volumes, torch.tensor(labels), {i: row for row, (_, i) in enumerate(wanted)})
