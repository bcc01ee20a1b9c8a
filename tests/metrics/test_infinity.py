"""A distance of the form truth + c / N is carried to its truth."""

import numpy as np
import pytest

from tlesynth.metrics.frechet import Gaussian, frechet_distance
from tlesynth.metrics.infinity import at_infinity
from tlesynth.metrics.statistics import Resampling


def how() -> Resampling:
    return Resampling(100, 0.95, np.random.default_rng(0))


def test_the_bias_of_both_sets_is_taken_away() -> None:
    found = at_infinity(lambda a, b: 7 + 3 / len(a) + 3 / len(b), (40, 24), 0.5, how())
    assert found["value"] == pytest.approx(7, abs=1e-6) and found["n"] == 64
    assert found["high"] - found["value"] == pytest.approx(1.96 * 0.5, rel=1e-3)


def test_a_frechet_distance_comes_nearer_to_its_truth() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(150, 20)), rng.normal(size=(150, 20))

    def distance(rows: np.ndarray, others: np.ndarray) -> float:
        sets = (Gaussian(x.mean(0), np.cov(x.T)) for x in (a[rows], b[others]))
        return float(frechet_distance(*sets))

    everything = np.arange(150)
    assert abs(at_infinity(distance, (150, 150), 0.0, how())["value"]) < 0.5 * distance(everything, everything)


def test_few_subjects_are_not_thinned() -> None:
    assert "9 subjects" in at_infinity(lambda *_: 1.0, (9, 50), 0.1, how())["not_computed"]
