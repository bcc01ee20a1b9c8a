"""Slopes that are known, for the subjects as they are and for every draw."""

import numpy as np
import pytest

from tlesynth.metrics.regression import coefficients, times_drawn
from tlesynth.metrics.statistics import Resampling


def test_slopes_are_those_that_made_the_measures() -> None:
    rng = np.random.default_rng(0)
    covariates = rng.normal(size=(40, 2))
    known = np.array([[2.0, 0.0, -1.0], [0.5, 3.0, 0.0]])
    times = times_drawn(40, Resampling(20, 0.95, rng))
    found = coefficients(covariates, 7 + covariates @ known, times)
    assert found.shape == (21, 2, 3) and found == pytest.approx(np.broadcast_to(known, found.shape), abs=1e-9)


def test_they_are_least_squares_of_the_subjects_as_often_as_they_are_drawn() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(12, 1)), rng.normal(size=(12, 1))
    times = times_drawn(12, Resampling(3, 0.95, rng))
    assert times[0] == pytest.approx(1) and times.sum(axis=1) == pytest.approx(12)
    for slope, counts in zip(coefficients(x, y, times)[:, 0, 0], times.astype(int), strict=True):
        rows = np.repeat(np.arange(12), counts)
        assert slope == pytest.approx(np.polyfit(x[rows, 0], y[rows, 0], 1)[0])


def test_a_covariate_that_does_not_vary_takes_nothing_out() -> None:
    x = np.stack([np.arange(6.0), np.ones(6)], axis=1)
    found = coefficients(x, 2 * x[:, :1], np.ones((1, 6)))
    assert found[0, :, 0] == pytest.approx([2, 0])
