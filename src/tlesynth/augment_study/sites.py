"""Sites: do they give the groups away, and do the classifier and its gain hold at a site that it never saw?

A site that is left out the generator did see: a run with ``split.leave_one_site_out`` holds it out of that too.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tlesynth import durable
from tlesynth.augment_study.arms import CHOSEN, REAL
from tlesynth.augment_study.comparing import interval
from tlesynth.augment_study.plan import Design
from tlesynth.augment_study.resampling import RANKING, draw, figures
from tlesynth.augment_study.verdicts import Floats, Verdicts, subjects_of, verdicts_of
from tlesynth.data.splits.making import SITES, beside
from tlesynth.metrics.statistics import Json, Resampling, not_computed

HARM = 0.05
"""A loss of AUC above this at any site is a warning."""


def site_audit(splits: Path) -> Json:
    """What the split stage found of site and group, where the table was made by it; ``warning`` is None or words."""
    path = beside(splits, SITES)
    if not path.is_file():
        return not_computed("the splits were not made by tlesynth, so the sites were not audited", "tlesynth split")
    return durable.read_json(path, "DATA-001")


def by_site(
    test: pd.DataFrame,
    network: str,
    rival: str,
    design: Design,
    choices: Json,
    people: pd.DataFrame,
    how: Resampling,
) -> Json:
    """AUC of the arms real, rival and chosen at each site that was held out, and their mean over sites."""
    rows, drawn = [], []
    for split in design.sites:
        table = test[(test["network"] == network) & (test["split"] == split.name)]
        if table.empty:
            continue
        subjects = subjects_of(table, people)
        draws = draw(subjects, zip(table["split"], table["seed"], strict=True), how)
        names = {REAL: REAL, "rival": rival, CHOSEN: choices[network][split.name]["arm"]}
        found: dict[str, Floats] = {}
        for name, arm in names.items():
            verdicts: tuple[Verdicts, ...] = verdicts_of(table[table["arm"] == arm], subjects)
            found[name] = figures(verdicts, subjects, draws, RANKING)["auc_roc"]
        drawn.append(found)
        n1 = int(subjects.positive.sum())
        told = {"site": split.site, "positive": n1, "negative": len(subjects) - n1, "chosen": names[CHOSEN]}
        rows.append(told | _told(found, len(subjects), how))
    if not rows:
        return not_computed("no site was held out", "tlesynth augment-study --set augment_study.site_seeds=1")
    pooled = {name: np.mean([found[name] for found in drawn], axis=0) for name in (REAL, "rival", CHOSEN)}
    n = sum(row["positive"] + row["negative"] for row in rows)
    worst = min(row["difference"].get("value", 0.0) for row in rows)
    return {"rows": rows, "mean": _told(pooled, n, how), "worst": worst, "warning": worst < -HARM, "limit": HARM}


def _told(found: dict[str, Floats], n: int, how: Resampling) -> Json:
    aucs = {name: interval(values, n, how) for name, values in found.items()}
    return {"auc_roc": aucs, "difference": interval(found[CHOSEN] - found["rival"], n, how)}
