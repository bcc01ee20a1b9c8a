"""The stored numbers decide as scikit-learn's models do; what was not measured counts as the mean."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from tlesynth.classifier.table_models import TableModel

RNG = np.random.default_rng(0)
TABLE = RNG.normal(3, 2, (40, 3))
POSITIVE = TABLE @ [1, -1, 0.5] + RNG.normal(0, 1, 40) > 1.5
CENTRE, SPREAD = TABLE.mean(axis=0), TABLE.std(axis=0)
Z = (TABLE - CENTRE) / SPREAD


def test_decisions_are_those_of_scikit_learn() -> None:
    plain = LogisticRegression().fit(Z, POSITIVE)
    linear = TableModel(CENTRE, SPREAD, plain.coef_, np.ones(1), float(plain.intercept_[0]), 0.0)
    assert linear.logits(TABLE) == pytest.approx(plain.decision_function(Z))
    machine = SVC(gamma=0.3).fit(Z, POSITIVE)
    vectors, bias = machine.support_vectors_, float(machine.intercept_[0])
    curved = TableModel(CENTRE, SPREAD, vectors, machine.dual_coef_[0], bias, 0.3)
    assert curved.logits(TABLE) == pytest.approx(machine.decision_function(Z))


def test_a_model_comes_back_from_its_tensors() -> None:
    model = TableModel(CENTRE, SPREAD, Z[:5], np.arange(5.0), -0.5, 0.3)
    again = TableModel.from_tensors(model.tensors())
    assert np.array_equal(again.logits(TABLE), model.logits(TABLE)) and (again.bias, again.width) == (-0.5, 0.3)


def test_what_was_not_measured_counts_as_the_mean() -> None:
    model = TableModel(CENTRE, SPREAD, np.ones((1, 3)), np.ones(1), 0.25, 0.0)
    assert model.logits(np.full((1, 3), np.nan)) == pytest.approx([0.25])
