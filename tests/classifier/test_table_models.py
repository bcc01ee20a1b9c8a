"""The stored numbers decide as scikit-learn's models do; what was not measured counts as the mean."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from tlesynth.classifier.table_models import TableModel, TableScorer
from tlesynth.data.template import load_template
from tlesynth.recipe import Classifier, Figures
from tlesynth.volume import GRIDS

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


@pytest.mark.parametrize("width", [0.0, 0.3])
def test_shares_add_up_to_the_distance_from_the_average_scan(width: float) -> None:
    vectors = Z[:1] if width == 0 else Z[:5]
    model = TableModel(CENTRE, SPREAD, vectors, np.arange(1.0, 1 + len(vectors)), -0.5, width)
    one, average = model.logits(np.stack([TABLE[7], CENTRE]))
    assert model.shares(TABLE[7]).sum() == pytest.approx(one - average, abs=1e-3)


def test_the_map_puts_a_structures_part_where_it_lies() -> None:
    grid = GRIDS["mni-3mm"]
    model = TableModel(np.zeros(3), np.ones(3), np.array([[0.0, 1.0, 0.0]]), np.ones(1), 0.0, 0.0)
    settings = Classifier(kind="volumes", figures=Figures(structures="hippocampus"))
    scorer = TableScorer(model, settings, grid)
    head = load_template(grid).t1
    found = scorer.attribution(head, head)
    assert found.sum() == pytest.approx(scorer.logits(head[None])[0], rel=1e-3)
    centre = np.average(np.indices(grid.shape).reshape(3, -1), axis=1, weights=found.ravel())
    assert centre == pytest.approx([grid.index(0, 0), grid.index(1, -22), grid.index(2, -14)], abs=2)
