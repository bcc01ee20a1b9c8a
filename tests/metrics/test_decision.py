"""Known answers: a calibrated score lies on the diagonal, acting on all has its formula, Bayes gives PPV and NPV."""

import numpy as np
import pytest

from tlesynth.metrics.decision import THRESHOLDS, bin_sums, edges_of, net_benefit, predictive_values, treat_all

T = np.array(THRESHOLDS)
RNG = np.random.default_rng(0)
POSITIVE = np.arange(50) < 20
ONCE = np.ones((1, 50))


def test_a_perfectly_calibrated_score_lies_on_the_diagonal() -> None:
    """Ten scores of 100 people each, of whom just that share are patients."""
    levels = (np.arange(10) + 0.5) / 10
    p = np.repeat(levels, 100)
    positive = np.concatenate([np.arange(100) < round(100 * level) for level in levels])
    n, predicted, observed = bin_sums(p, positive, np.ones((1, 1000)), edges_of(p, 1000))
    assert n.tolist() == [[100.0] * 10]
    np.testing.assert_allclose(predicted, observed)
    np.testing.assert_allclose(observed[0] / n[0], levels)


def test_bins_hold_all_and_at_least_five_people() -> None:
    p = RNG.uniform(size=23)
    n, predicted, observed = bin_sums(p, p > 0.5, np.ones((1, 23)), edges_of(p, 23))
    assert n.shape == (1, 4) and n.min() >= 5 and n.sum() == 23
    assert predicted.sum() == pytest.approx(p.sum()) and observed.sum() == (p > 0.5).sum()


def test_few_people_have_one_bin() -> None:
    assert len(edges_of(np.array([0.1, 0.9]), 2)) == 0


def test_somebody_drawn_twice_counts_twice() -> None:
    p = RNG.uniform(size=50)
    weights = RNG.integers(0, 3, (1, 50)).astype(float)
    rows = np.repeat(np.arange(50), weights[0].astype(int))
    twice = net_benefit(p[rows], POSITIVE[rows], np.ones((1, len(rows))), T)
    np.testing.assert_allclose(net_benefit(p, POSITIVE, weights, T), twice)


def test_net_benefit_of_acting_on_all_on_none_and_on_the_ill() -> None:
    np.testing.assert_allclose(net_benefit(np.ones(50), POSITIVE, ONCE, T)[0], treat_all(0.4, T))
    assert net_benefit(np.zeros(50), POSITIVE, ONCE, T)[0].tolist() == [0.0] * len(T)
    np.testing.assert_allclose(net_benefit(POSITIVE.astype(float), POSITIVE, ONCE, T), 0.4)


def test_acting_on_all_breaks_even_at_the_prevalence() -> None:
    assert treat_all(0.4, np.array([0.4]))[0] == pytest.approx(0, abs=1e-12)
    assert treat_all(0.4, np.array([0.2]))[0] == pytest.approx(0.4 - 0.6 / 4)


def test_predictive_values_by_bayes() -> None:
    ppv, npv = predictive_values(np.array([0.9]), np.array([0.9]), 0.01)
    assert ppv[0] == pytest.approx(0.009 / 0.108) and npv[0] == pytest.approx(0.891 / 0.892)
    ppv, npv = predictive_values(np.array([0.7]), np.array([0.3]), 0.2)  # a guess knows no more than the prevalence
    assert (ppv[0], npv[0]) == pytest.approx((0.2, 0.8))


def test_where_nobody_is_called_there_is_no_value() -> None:
    ppv, npv = predictive_values(np.array([0.0]), np.array([1.0]), 0.1)
    assert np.isnan(ppv[0]) and npv[0] == pytest.approx(0.9)
