"""Fitting of logistic regression, or a support vector machine, to figures of structures.

The strength of the regularisation is chosen on validation, as a network's checkpoint is.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from tlesynth.classifier.fitting import Fitted, Fitting
from tlesynth.classifier.scan_set import ScanSet
from tlesynth.classifier.structure_figures import figures, sizes_in
from tlesynth.classifier.table_models import Floats, TableModel, TableScorer
from tlesynth.classifier.validating import validation_figures
from tlesynth.errors import fail

STRENGTHS = (0.01, 0.1, 1.0, 10.0)
"""scikit-learn's C: the smaller, the simpler the model."""


def fit_table(training: ScanSet, validation: ScanSet, how: Fitting) -> Fitted:
    """Fit the model of ``how.settings`` at each strength and keep the best on ``validation``.

    Raises:
        TlesynthError: DATA-008 if the structures could be measured in too few training scans of a class.
    """
    settings = how.settings
    table, judged = (figures(sizes_in(scans), settings) for scans in (training, validation))
    known = np.isfinite(table).all(axis=1)
    positive = training.positive[known]
    if min(positive.sum(), (~positive).sum()) < 2:
        raise fail("DATA-008", training.name, "the structures could be measured in fewer than two scans of a class")
    fitter = _logistic if settings.figures.model == "logistic" else _machine
    models = [fit_model(table[known], positive, strength, fitter, how.seed) for strength in STRENGTHS]
    scores = [validation_figures(model.logits(judged), validation.positive)["score"] for model in models]
    model = models[int(np.argmin(scores))]
    cost = {"strength": STRENGTHS[int(np.argmin(scores))], "unmeasured": int((~known).sum())}
    return Fitted(TableScorer(model, settings, training.grid), model.logits(judged), 0, cost)


Fitter = Callable[[Floats, NDArray[np.bool_], float, int], tuple[Floats, Floats, float, float]]


def fit_model(table: Floats, positive: NDArray[np.bool_], strength: float, fitter: Fitter, seed: int) -> TableModel:
    """A model of figures (N, F) whose classes are ``positive`` (N,)."""
    centre, spread = table.mean(axis=0), table.std(axis=0)
    spread = np.where(spread > 1e-9, spread, 1.0)
    vectors, weights, bias, width = fitter((table - centre) / spread, positive, strength, seed)
    return TableModel(centre, spread, vectors, weights, bias, width)


def _logistic(
    z: Floats, positive: NDArray[np.bool_], strength: float, seed: int
) -> tuple[Floats, Floats, float, float]:
    found = LogisticRegression(C=strength, random_state=seed % 2**32).fit(z, positive)
    return found.coef_, np.ones(1), float(found.intercept_[0]), 0.0


def _machine(z: Floats, positive: NDArray[np.bool_], strength: float, seed: int) -> tuple[Floats, Floats, float, float]:
    width = 1 / z.shape[1]
    found = SVC(C=strength, gamma=width, random_state=seed % 2**32).fit(z, positive)
    return found.support_vectors_, found.dual_coef_[0], float(found.intercept_[0]), width
