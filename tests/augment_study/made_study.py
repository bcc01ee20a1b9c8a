"""A made-up study: verdicts of known quality, and the ledger that is built of them.

A subject is easy or hard for every arm, and each training adds noise of its own.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from tlesynth.augment_study import ledger
from tlesynth.augment_study.choosing import choose
from tlesynth.augment_study.plan import Design, plan_of
from tlesynth.augment_study.splits import StudySplit
from tlesynth.metrics.statistics import Json
from tlesynth.recipe import AugmentStudy, Classifier, Evaluation

ARMS = {
    "real": 1.2,
    "classical": 1.3,
    "real+0.5": 1.4,
    "real+1": 3.5,
    "shuffled": 1.0,
    "real-n20": 0.4,
    "real-n50": 0.8,
}


def made_table(
    separation: dict[str, float],
    *,
    per_class: int = 40,
    splits: int = 3,
    seeds: int = 3,
    seed: int = 0,
    hardness: float = 1.0,
    noise: float = 0.3,
) -> pd.DataFrame:
    """Verdicts of each arm: log-odds of ``separation`` between the classes, plus hardness and noise; half tested."""
    rng = np.random.default_rng(seed)
    truth = np.arange(2 * per_class) >= per_class
    ids = np.array([f"sub-{i:03d}" for i in range(2 * per_class)])
    subject = rng.normal(0, hardness, 2 * per_class)
    rows = []
    for split in range(1, splits + 1):
        judged = np.sort(
            np.r_[
                rng.permutation(per_class)[: 2 * per_class // 3],
                per_class + rng.permutation(per_class)[: 2 * per_class // 3],
            ]
        )
        for number in range(1, seeds + 1):
            for arm, apart in separation.items():
                logit = apart * (truth - 0.5) + subject + rng.normal(0, noise, 2 * per_class)
                p = 1 / (1 + np.exp(-logit[judged]))
                rows.append(
                    pd.DataFrame(
                        {
                            "network": "cnn3d",
                            "arm": arm,
                            "split": f"split{split}",
                            "seed": number,
                            "participant_id": ids[judged],
                            "truth": truth[judged].astype(int),
                            "probability": p,
                            "called": (p >= 0.5).astype(int),
                        }
                    )
                )
    return pd.concat(rows, ignore_index=True)


def people_of(table: pd.DataFrame) -> pd.DataFrame:
    """Sides, sclerosis, sites, sexes and ages that alternate."""
    ids = sorted(set(table["participant_id"]))
    tle = [int(i[-3:]) >= 60 for i in ids]
    rows = [
        {
            "group": "tle" if sick else "hc",
            "side": ("left", "right")[k % 2] if sick else None,
            "hs": ("yes", "no")[k % 2] if sick else None,
            "site": f"site{k % 2}",
            "sex": "FM"[k % 2],
            "age": 20 + k % 30,
        }
        for k, sick in enumerate(tle)
    ]
    return pd.DataFrame(rows, index=pd.Index(ids, name="participant_id"))


def made_ledger(networks: tuple[str, ...] = ("cnn3d",), task: Literal["tle", "side"] = "tle") -> Json:
    """The ledger of a study in which real+1 helps much and real+0.5 little, with one site held out.

    All ``networks`` give the same verdicts.
    """
    verdicts = made_table(ARMS, per_class=60, splits=3, seeds=2)
    site = made_table(
        {a: ARMS[a] for a in ("real", "classical", "real+0.5", "real+1")}, per_class=60, splits=1, seeds=1
    )
    site = site.assign(split="site1")
    verdicts, site = (pd.concat([t.assign(network=name) for name in networks]) for t in (verdicts, site))
    made = verdicts[verdicts["arm"] == "real"].assign(participant_id=lambda t: "syn" + t["participant_id"].str[-3:])
    ids = tuple(sorted(set(verdicts["participant_id"])))
    splits = tuple(StudySplit(f"split{k}", ("t1",), ("v1",), ids) for k in (1, 2, 3))
    settings = AugmentStudy(
        ratios=(0.5, 1.0), controls=("classical", "shuffled"), learning_curve=(20, 50), seeds=2, splits=3
    )
    sites = (StudySplit("site1", ("t1",), ("v1",), ids, "Hospital"),)
    design = Design(networks, tuple(ARMS), {"real+2": "too few"}, splits, sites, settings)
    inputs = {"real_scans": 100, "synthetic_scans": 200, "own_test": list(ids[:80]), "no_site": {}}
    plan = plan_of(design, Classifier(task=task), Evaluation(bootstrap=300), seed=1, steps={"cnn3d": 9}, inputs=inputs)
    choices = choose(pd.concat([verdicts, site]))
    people = people_of(verdicts)
    tables = ledger.Tables(pd.concat([verdicts, site]), made, people, people)
    declared = plan | {"declared_at": "2026-01-01 10:00:00 +0000"}
    return ledger.build(declared, design, choices, tables) | {"opened": {"opened_at": "2026-01-02 10:00:00 +0000"}}
