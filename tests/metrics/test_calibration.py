"""Perfect probabilities have slope 1 and no error; overconfident ones a slope below 1, by as much as they overdo it."""

import numpy as np
import pytest
import statsmodels.api as sm

from tlesynth.metrics import calibration as c

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(0, 1.5, 4000)
TRUE = 1 / (1 + np.exp(-LOGITS))
POSITIVE = RNG.random(4000) < TRUE
ONCE = np.ones((1, 4000))


def test_perfect_probabilities() -> None:
    slope, intercept = c.slope_and_intercept(TRUE, POSITIVE, ONCE)
    assert slope[0] == pytest.approx(1, abs=0.1)
    assert intercept[0] == pytest.approx(0, abs=0.1)
    assert c.expected_error(TRUE, POSITIVE, ONCE)[0] < 0.03
    assert c.brier(TRUE, POSITIVE, ONCE)[0] == pytest.approx(np.mean(TRUE * (1 - TRUE)), abs=0.01)


def test_twice_too_sure_is_slope_one_half() -> None:
    sure = 1 / (1 + np.exp(-2 * LOGITS))
    assert c.slope_and_intercept(sure, POSITIVE, ONCE)[0][0] == pytest.approx(0.5, abs=0.05)
    assert c.expected_error(sure, POSITIVE, ONCE)[0] > 0.05


def test_the_slope_is_that_of_a_logistic_regression() -> None:
    rows = slice(0, 80)
    weights = RNG.multinomial(80, np.full(80, 1 / 80), 3).astype(float)
    slope, intercept = c.slope_and_intercept(TRUE[rows], POSITIVE[rows], weights)
    for place, row in enumerate(weights):
        design = sm.add_constant(LOGITS[rows])
        fitted = sm.GLM(POSITIVE[rows].astype(float), design, family=sm.families.Binomial(), freq_weights=row).fit()
        assert [intercept[place], slope[place]] == pytest.approx(list(fitted.params), rel=1e-4)


def test_brier_of_a_known_case() -> None:
    found = c.brier(np.array([0.5, 1.0]), np.array([True, False]), np.array([[1.0, 1.0], [3.0, 1.0]]))
    assert list(found) == [0.625, 0.4375]


def test_classes_that_are_fully_apart_have_no_finite_slope() -> None:
    apart = np.array([0.1, 0.2, 0.8, 0.9])
    assert np.isnan(c.slope_and_intercept(apart, apart > 0.5, np.ones((1, 4)))[0][0])


def test_bins_are_of_equally_many_subjects() -> None:
    halves = np.r_[np.full(10, 0.2), np.full(10, 0.8)]
    positive = np.r_[np.arange(10) < 4, np.arange(10) < 8]  # 0.4 where 0.2 was said; right above
    assert c.expected_error(halves, positive[np.r_[4:10, 0:4, 10:20]], np.ones((1, 20)))[0] >= 0.1
