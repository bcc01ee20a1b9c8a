"""The study's plan: written before the first training, hashed, and never changed.

``plan.json`` holds the comparison that decides, every setting that could be bent to a result, who trains, chooses and
judges in each split, and what the inputs were. The same command goes on with it; another plan needs another folder.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tlesynth import __version__, durable
from tlesynth.augment_study.arms import CLASSICAL, DUPLICATED, REAL, ratio_arm
from tlesynth.augment_study.splits import StudySplit
from tlesynth.errors import fail
from tlesynth.metrics.statistics import Json
from tlesynth.recipe import AugmentStudy, Classifier, Evaluation
from tlesynth.seeds import seed_of

PLAN = "plan.json"
VOLUMES = "volumes"
NOT_FOR_VOLUMES = {CLASSICAL: "a model on measured volumes has nothing to vary", DUPLICATED: "it changes no weight"}
NOT_DECISIVE = {"jobs", "job_seconds", "sharing"}
"""Settings that change how the study runs, and no result."""
STAMP = ("declared_at", "hash")


@dataclass(frozen=True)
class Training:
    """One job of the study: a network trained on an arm's scans in a split from a seed."""

    network: str
    arm: str
    split: StudySplit
    seed: int

    @property
    def name(self) -> str:
        """Its folder, and the name under which it is claimed."""
        return f"{self.network}_{self.arm}_{self.split.name}_seed{self.seed}"

    def drawn_from(self, seed: int) -> int:
        """The seed of weights, order and draws: the same for all arms of a split and seed, so that they are paired."""
        return seed_of(seed, "augment study", self.split.name, self.seed)


@dataclass(frozen=True)
class Design:
    """All trainings of a study, and which arms are not among them and why."""

    networks: tuple[str, ...]
    arms: tuple[str, ...]
    missing: dict[str, str]
    splits: tuple[StudySplit, ...]
    sites: tuple[StudySplit, ...]
    settings: AugmentStudy

    def arms_of(self, network: str) -> tuple[str, ...]:
        """The arms that a kind of classifier has."""
        return tuple(a for a in self.arms if network != VOLUMES or a not in NOT_FOR_VOLUMES)

    def rival_of(self, network: str) -> str:
        """What real + synthetic has to beat; a kind that cannot be augmented is compared with real scans alone."""
        return self.settings.rival if self.settings.rival in self.arms_of(network) else REAL

    def trainings(self) -> Iterator[Training]:
        """Every job, network by network, the repeated splits first; all arms of a split and seed stand together."""
        for network in self.networks:
            for split in self.splits:
                for seed in range(1, self.settings.seeds + 1):
                    yield from (Training(network, arm, split, seed) for arm in self.arms_of(network))
            compared = {REAL, self.rival_of(network), *(ratio_arm(r) for r in self.settings.ratios)}
            for split in self.sites:
                for seed in range(1, self.settings.site_seeds + 1):
                    yield from (Training(network, a, split, seed) for a in self.arms_of(network) if a in compared)


def plan_of(
    design: Design, classifier: Classifier, evaluation: Evaluation, *, seed: int, steps: dict[str, int], inputs: Json
) -> Json:
    """The plan as JSON, with its hash."""
    study = design.settings
    primary = {
        "network": design.networks[0],
        "arm": "real + synthetic, at the ratio that validation chose in each split",
        "rival": design.rival_of(design.networks[0]),
        "figure": "auc_roc",
        "smallest_gain": study.smallest_gain,
        "confidence": evaluation.confidence,
        "power": study.power,
    }
    plan: Json = {
        "tlesynth": __version__,
        "primary": primary,
        "study": study.model_dump(mode="json", exclude=NOT_DECISIVE),
        "classifier": classifier.model_dump(mode="json", exclude={"arms"}),
        "bootstrap": evaluation.bootstrap,
        "seed": seed,
        "steps": steps,
        "inputs": inputs,
        "arms": {network: list(design.arms_of(network)) for network in design.networks},
        "not_run": design.missing | (NOT_FOR_VOLUMES if design.networks == (VOLUMES,) else {}),
        "splits": [_members(split) for split in (*design.splits, *design.sites)],
        "trainings": sum(1 for _ in design.trainings()),
    }
    return plan | {"hash": durable.hash_of(plan)}


def declare(plan: Json, out: Path) -> Json:
    """Write the plan, or check that the one that stands is the same.

    Raises:
        TlesynthError: CFG-010 naming what differs.
    """
    path = out / PLAN
    if path.is_file():
        stands = durable.read_json(path, "DATA-001")
        body = {key: value for key, value in stands.items() if key not in STAMP}
        if stands.get("hash") != durable.hash_of(body):
            raise fail("CFG-010", path, "it was edited after it was declared")
        if stands["hash"] != plan["hash"]:
            differ = sorted(k for k in plan if k not in STAMP and plan[k] != stands.get(k))
            raise fail("CFG-010", path, f"these differ: {', '.join(differ)}")
        return stands
    declared = {"declared_at": time.strftime("%Y-%m-%d %H:%M:%S %z")} | plan
    durable.write_json(path, declared)
    return declared


def _members(split: StudySplit) -> Json:
    return {
        "name": split.name,
        "site": split.site,
        "train": list(split.train),
        "val": list(split.val),
        "test": list(split.test),
    }
