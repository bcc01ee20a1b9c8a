"""Ratios and distances of sets whose distributions are known."""

import numpy as np
import pytest
from scipy import stats

from tlesynth.metrics import spread as s
from tlesynth.metrics.statistics import Resampling


def how() -> Resampling:
    return Resampling(400, 0.95, np.random.default_rng(0))


def sets() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return rng.normal(0.5, 0.5, 60), np.round(rng.normal(0, 1, 45), 1)


def test_the_ratio_of_deviations() -> None:
    a, b = sets()
    found = s.deviation_ratio(a, b, how())
    assert found["value"] == pytest.approx(a.std(ddof=1) / b.std(ddof=1)) and found["high"] < 0.8
    assert "not_computed" in s.deviation_ratio(a, np.ones(9), how())


def test_distances_are_scipys() -> None:
    a, b = sets()
    assert s.kolmogorov_smirnov(a, b, how())["value"] == pytest.approx(stats.ks_2samp(a, b).statistic, rel=1e-4)
    expected = stats.wasserstein_distance(a, b) / b.std(ddof=1)
    assert s.wasserstein(a, b, how())["value"] == pytest.approx(expected, rel=1e-4)


def test_identical_sets_have_no_distance_and_a_shift_is_the_distance() -> None:
    a, _ = sets()
    assert s.kolmogorov_smirnov(a, a, how())["value"] == 0 and s.wasserstein(a, a, how())["value"] == 0
    shifted = s.wasserstein(a + 2 * a.std(ddof=1), a, how())
    assert shifted["value"] == pytest.approx(2, rel=1e-4) and shifted["low"] <= 2 <= shifted["high"]
