"""A subject that was drawn twice counts as two subjects would, for every figure; the figures are scikit-learn's."""

import numpy as np
import pytest
from sklearn import metrics as sk

from tlesynth.metrics import weighted as w

RNG = np.random.default_rng(0)
SCORES, POSITIVE = np.round(RNG.random(60), 1), RNG.random(60) < 0.4
WEIGHTS = RNG.multinomial(60, np.full(60, 1 / 60), 12).astype(float)
WEIGHTS[0] = 1


def drawn(weights: np.ndarray) -> np.ndarray:
    return np.repeat(np.arange(60), weights.astype(int))


def test_rankings_are_those_of_the_repeated_subjects() -> None:
    found = w.auc(SCORES, POSITIVE, WEIGHTS), w.average_precision(SCORES, POSITIVE, WEIGHTS)
    for row, auc, precision in zip(WEIGHTS, *found, strict=True):
        rows = drawn(row)
        assert auc == pytest.approx(sk.roc_auc_score(POSITIVE[rows], SCORES[rows]))
        assert precision == pytest.approx(sk.average_precision_score(POSITIVE[rows], SCORES[rows]))


def test_calls_are_counted_as_often_as_they_were_drawn() -> None:
    called = SCORES > 0.5
    found = w.confusion(called, POSITIVE, WEIGHTS)
    for place, row in enumerate(WEIGHTS):
        rows = drawn(row)
        truth, said = POSITIVE[rows], called[rows]
        assert found["accuracy"][place] == pytest.approx(sk.accuracy_score(truth, said))
        assert found["precision"][place] == pytest.approx(sk.precision_score(truth, said))
        assert found["recall"][place] == pytest.approx(sk.recall_score(truth, said))
        assert found["f1"][place] == pytest.approx(sk.f1_score(truth, said))


def test_sensitivity_is_read_off_the_roc_curve() -> None:
    found = w.sensitivity_at(0.9, SCORES, POSITIVE, WEIGHTS)
    for row, value in zip(WEIGHTS, found, strict=True):
        rows = drawn(row)
        alarms, hits, _ = sk.roc_curve(POSITIVE[rows], SCORES[rows], drop_intermediate=False)
        assert value == pytest.approx(hits[alarms <= 0.1 + 1e-12].max())
    ten = np.arange(20.0)
    assert w.sensitivity_at(0.9, ten, ten >= 10, np.ones((1, 20)))[0] == 1.0


def test_a_class_that_was_not_drawn_gives_no_figure() -> None:
    nobody = (~POSITIVE).astype(float)[None]
    figures = [w.auc(SCORES, POSITIVE, nobody), w.average_precision(SCORES, POSITIVE, nobody)]
    figures += [w.sensitivity_at(0.9, SCORES, POSITIVE, nobody), w.confusion(SCORES > 2, POSITIVE, nobody)["recall"]]
    assert np.isnan(figures).all()
