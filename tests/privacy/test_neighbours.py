"""A population is as near to those it was learnt from as to others; copies are nearer."""

import numpy as np
import pytest

from tlesynth.metrics.statistics import Resampling
from tlesynth.privacy.neighbours import correlation_distances, euclidean_distances, nearness

RNG = np.random.default_rng(0)
TRAINING, HELD_OUT = RNG.normal(size=(60, 8)), RNG.normal(size=(20, 8))


def go(made: np.ndarray) -> dict:
    how = Resampling(200, 0.95, np.random.default_rng(1))
    return nearness(euclidean_distances(made, TRAINING), euclidean_distances(made, HELD_OUT), 30, how)


def test_new_draws_are_as_near_to_either() -> None:
    found = go(RNG.normal(size=(200, 8)))
    assert found["share"]["value"] == pytest.approx(0.5, abs=0.1) and found["compared_with"] == 20
    assert found["nndr"]["median"] == pytest.approx(1, abs=0.1)


def test_copies_are_nearer_whenever_their_scan_is_among_those_compared() -> None:
    found = go(TRAINING + 0.01 * RNG.normal(size=TRAINING.shape))
    # A third of the training scans is drawn each time; without the own one the share is one half.
    assert found["share"]["value"] == pytest.approx(1 / 3 + 2 / 3 / 2, abs=0.06)
    assert found["d1_over_d2"]["median"] < 0.05


def test_distances_are_those_of_the_formula() -> None:
    a, b = np.array([[1.0, 0.0]]), np.array([[0.0, 2.0], [3.0, 0.0]])
    np.testing.assert_allclose(correlation_distances(a, b), [[1.0, 0.0]])
    np.testing.assert_allclose(euclidean_distances(a, b), [[5**0.5, 2.0]])


def test_three_are_the_fewest() -> None:
    how = Resampling(100, 0.95, np.random.default_rng(1))
    assert "share" in nearness(np.ones((3, 3)), np.ones((3, 3)), 2, how)
    told = nearness(np.ones((3, 2)), np.ones((3, 9)), 2, how)
    assert told["not_computed"] == "2 scans; at least 3 are needed"
