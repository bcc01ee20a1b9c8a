"""A population is as near to those it was learnt from as to others; copies are nearer; few scans are refused."""

from collections.abc import Callable

import numpy as np
import pytest

from tlesynth.metrics.statistics import Resampling
from tlesynth.privacy.neighbours import correlation_distances, euclidean_distances, nearer_to_first, nearness

RNG = np.random.default_rng(0)
TRAINING, HELD_OUT = RNG.normal(size=(60, 8)), RNG.normal(size=(20, 8))
LIMIT = 0.55
"""The recipe's ``nearer_to_training``: a light is red where the whole interval lies above it."""
FIGURES, AWAY = 42, np.repeat([3.0, 0.0], [6, 36])
Generator = Callable[[np.ndarray, int, np.random.Generator], np.ndarray]


def go(made: np.ndarray, training: np.ndarray = TRAINING, held_out: np.ndarray = HELD_OUT, seed: int = 1) -> dict:
    how = Resampling(200, 0.95, np.random.default_rng(seed))
    return nearness(euclidean_distances(made, training), euclidean_distances(made, held_out), 30, how)


def smooth(training: np.ndarray, n: int, random: np.random.Generator) -> np.ndarray:
    """Half as spread as real scans and off their cloud, which no training scan has a part in."""
    return 0.5 * random.normal(size=(n, FIGURES)) - AWAY


def plain(training: np.ndarray, n: int, random: np.random.Generator) -> np.ndarray:
    """New people of the same population."""
    return random.normal(size=(n, FIGURES))


def copier(training: np.ndarray, n: int, random: np.random.Generator) -> np.ndarray:
    """Training scans, noised."""
    return random.choice(training, n) + 0.3 * random.normal(size=(n, FIGURES))


def smooth_copier(training: np.ndarray, n: int, random: np.random.Generator) -> np.ndarray:
    """Training scans, smoothed to half their spread, and off the cloud."""
    return 0.5 * random.choice(training, n) - AWAY + 0.25 * random.normal(size=(n, FIGURES))


def overfitted(training: np.ndarray, n: int, random: np.random.Generator) -> np.ndarray:
    """Only ever the same twelve people."""
    return 0.7 * random.choice(training[:12], n) + 0.3 * random.normal(size=(n, FIGURES))


def red(generator: Generator, seeds: int, sizes: tuple[int, int, int] = (72, 47, 48)) -> float:
    """How often the whole interval lies above the limit, over populations and splits of ``sizes``."""
    found = []
    for seed in range(seeds):
        random = np.random.default_rng(seed)
        training, held_out = (random.normal(size=(n, FIGURES)) for n in sizes[:2])
        found.append(go(generator(training, sizes[2], random), training, held_out, seed)["share"]["low"] > LIMIT)
    return float(np.mean(found))


@pytest.mark.parametrize("sizes", [(72, 47, 48), (30, 60, 24)])
@pytest.mark.parametrize("innocent", [smooth, plain])
def test_who_knows_nobody_is_hardly_ever_red(innocent: Generator, sizes: tuple[int, int, int]) -> None:
    assert red(innocent, 60, sizes) <= 0.05


@pytest.mark.parametrize("guilty", [copier, smooth_copier, overfitted])
def test_who_copies_is_red(guilty: Generator) -> None:
    assert red(guilty, 20) >= 0.8


@pytest.mark.parametrize("guilty", [copier, smooth_copier])
def test_a_generator_of_twelve_people_is_red_beside_many_held_out(guilty: Generator) -> None:
    assert red(guilty, 10, (12, 175, 36)) == 1


def test_the_low_end_is_above_one_half_just_where_the_permutation_test_says_so() -> None:
    random = np.random.default_rng(3)
    for seed in range(40):
        copies = random.choice(TRAINING, 6) + 0.1 * random.normal(size=(6, 8))
        found = go(np.concatenate([copies, random.normal(size=(14, 8))]), seed=seed)
        assert (found["share"]["low"] > 0.5) == (found["p"] <= 0.025) or found["p"] == pytest.approx(0.025, abs=0.006)


def test_new_draws_are_as_near_to_either() -> None:
    found = go(RNG.normal(size=(200, 8)))
    assert found["share"]["low"] < 0.5 < found["share"]["high"] and found["compared_with"] == 20
    assert found["nndr"]["median"] == pytest.approx(1, abs=0.1)


def test_copies_are_nearer_whenever_their_scan_is_among_those_compared() -> None:
    found = go(TRAINING + 0.01 * RNG.normal(size=TRAINING.shape))
    # A third of the training scans is drawn each time; without the own one the share is one half.
    assert found["share"]["value"] == pytest.approx(1 / 3 + 2 / 3 / 2, abs=0.06) and found["p"] < 0.01
    assert found["d1_over_d2"]["median"] < 0.05


def test_the_share_is_that_of_every_draw() -> None:
    """Four training scans, two others: of the nearest three, the second is another's. Draws of two of four: six."""
    order, first = np.array([[0, 4, 1, 2, 3, 5]]), np.array([True] * 4 + [False] * 2)
    assert nearer_to_first(order, first) == pytest.approx(3 / 6)  # scan 0 is in three of the six
    assert nearer_to_first(np.array([[0, 1, 4, 2, 3, 5]]), first) == pytest.approx(5 / 6)
    assert nearer_to_first(np.array([[4, 0, 1, 2, 3, 5]]), first) == 0
    assert nearer_to_first(order, ~first) == pytest.approx(3 / 6)
    assert nearer_to_first(np.array([[0, 1, 4, 2, 3, 5]]), ~first) == pytest.approx(1 / 6)


def test_distances_are_those_of_the_formula() -> None:
    a, b = np.array([[1.0, 0.0]]), np.array([[0.0, 2.0], [3.0, 0.0]])
    np.testing.assert_allclose(correlation_distances(a, b), [[1.0, 0.0]])
    np.testing.assert_allclose(euclidean_distances(a, b), [[5**0.5, 2.0]])


def test_eight_are_the_fewest() -> None:
    how = Resampling(100, 0.95, np.random.default_rng(1))
    assert "share" in nearness(RNG.random((8, 8)), RNG.random((8, 8)), 2, how)
    for made, trained, unseen in ((3, 3, 3), (7, 20, 20), (20, 7, 20), (20, 20, 7)):
        told = nearness(np.ones((made, trained)), np.ones((made, unseen)), 2, how)
        assert told["not_computed"] == f"{min(made, trained, unseen)} scans; at least 8 are needed"
