"""The ratio of synthetic to real scans, chosen for each split on that split's validation scans alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import logit

from tlesynth.augment_study.arms import ratio_of
from tlesynth.classifier.validating import validation_figures
from tlesynth.metrics.statistics import Json, rounded

SUREST = 1e-12
"""Least distance of a probability from 0 and 1, so that it has a logit."""


def choose(validation: pd.DataFrame) -> Json:
    """The arm real + synthetic with the best mean validation score over seeds, by network and split.

    ``validation`` has the columns of ``verdicts.COLUMNS``. Where two ratios are equal, the smaller is taken.
    """
    table = validation[[ratio_of(str(arm)) is not None for arm in validation["arm"]]]
    scores = {
        key: _score(rows["truth"].to_numpy() > 0, rows["probability"].to_numpy(np.float64))
        for key, rows in table.groupby(["network", "arm", "split", "seed"])
    }
    chosen: Json = {}
    for (network, split), rows in table.groupby(["network", "split"]):
        arms = sorted(set(rows["arm"]), key=lambda arm: ratio_of(str(arm)) or 0.0)
        means = {
            str(arm): rounded(float(np.mean([s for k, s in scores.items() if k[:3] == (network, arm, split)])))
            for arm in arms
        }
        chosen.setdefault(str(network), {})[str(split)] = {
            "arm": min(means, key=lambda arm: means[arm]),
            "scores": means,
        }
    return chosen


def _score(positive: np.ndarray, probability: np.ndarray) -> float:
    return validation_figures(logit(np.clip(probability, SUREST, 1 - SUREST)), positive)["score"]
