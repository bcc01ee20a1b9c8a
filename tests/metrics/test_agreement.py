"""A measure with a known error is found to have it."""

import numpy as np
import pytest

from tlesynth.metrics import agreement as a
from tlesynth.metrics.statistics import Resampling


def how() -> Resampling:
    return Resampling(300, 0.95, np.random.default_rng(0))


def test_bias_limits_and_slope_are_those_that_were_made() -> None:
    known = np.random.default_rng(1).uniform(3000, 5000, (40, 2))
    error = np.where(np.arange(80) % 2, 0.02, -0.02).reshape(40, 2)
    found = a.agreement(known, known * (1.1 + error), how())
    assert found["bias_percent"]["value"] == pytest.approx(10) and found["bias_percent"]["n"] == 40
    assert found["upper_percent"]["value"] == pytest.approx(10 + 1.96 * 2, rel=0.02)
    assert found["lower_percent"]["value"] == pytest.approx(10 - 1.96 * 2, rel=0.02)
    assert found["slope"]["value"] == pytest.approx(1.1, rel=0.05) and found["correlation"]["value"] > 0.97


def test_a_measure_that_halves_differences_has_half_the_slope() -> None:
    known = np.linspace(3000, 5000, 30)
    found = a.agreement(known, 2000 + known / 2, how())
    assert found["slope"]["value"] == pytest.approx(0.5) and found["correlation"]["value"] == pytest.approx(1)


def test_few_or_constant_subjects_are_refused() -> None:
    assert "at least 5" in a.agreement(np.arange(3.0), np.arange(3.0), how())["not_computed"]
    assert "vary" in a.agreement(np.ones(9), np.arange(9.0), how())["not_computed"]
