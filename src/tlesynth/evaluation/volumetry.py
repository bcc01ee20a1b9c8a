"""The plain rival of every network: logistic regression on two hippocampal figures.

A network that does no better has learned no more than volumetry; one that does worse had too few scans. Trained on
synthetic scans and judged on real ones, it shows whether the synthetic anatomy carries the disease.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tlesynth.data.cohort import GROUPS
from tlesynth.metrics.statistics import FEWEST

FIGURES = ("|asymmetry|", "smaller hippocampus")


def volumetry_predictions(training: pd.DataFrame, judged: pd.DataFrame) -> NDArray[np.float64] | None:
    """Probability of TLE, (N,), of the rows ``judged`` by a model fitted on the rows ``training``.

    Both have columns group, left, right (mm3) and asymmetry_abs (percent). None where a class has fewer than 3 scans.
    """
    if min((training["group"] == g).sum() for g in GROUPS) < FEWEST or judged.empty:
        return None
    model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced"))
    model.fit(_figures(training), (training["group"] == "tle").to_numpy())
    return model.predict_proba(_figures(judged))[:, 1]


def _figures(rows: pd.DataFrame) -> NDArray[np.float64]:
    smaller = rows[["left", "right"]].min(axis=1)
    return np.stack([rows["asymmetry_abs"], smaller], axis=1).astype(np.float64)
