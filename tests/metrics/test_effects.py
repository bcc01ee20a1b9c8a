"""Effect sizes whose answer is known; few subjects leave a difference undecided, never equivalent."""

import numpy as np
import pytest

from tlesynth.metrics import effects as e
from tlesynth.metrics.statistics import Interval, Resampling, hedges_g


def how() -> Resampling:
    return Resampling(500, 0.95, np.random.default_rng(0))


def normal(n: int, mean: float, seed: int) -> np.ndarray:
    """Exactly that mean and a standard deviation of 1: (n, 1)."""
    drawn = np.random.default_rng(seed).normal(size=(n, 1))
    return (drawn - drawn.mean()) / drawn.std(ddof=1) + mean


def test_the_effect_is_hedges_g() -> None:
    a, b = normal(20, -1.5, 1), normal(30, 0, 2)
    found = e.effects(a, b, how())
    assert found.value[0] == pytest.approx(hedges_g(a[:, 0], b[:, 0], 0.95)["value"], rel=1e-5)
    assert found.draws[:, 0].mean() == pytest.approx(found.value[0], abs=0.1) and found.n == 50


def test_a_constant_measure_has_no_effect_size() -> None:
    found = e.effects(np.ones((8, 1)), np.ones((8, 1)), how())
    assert "not_computed" in found.interval(0, how())
    assert "verdict" not in e.equivalence(found, found, 0, 0.3, how())


@pytest.mark.parametrize(
    ("n", "real", "made", "verdict"),
    [(400, -1.0, -1.0, "equivalent"), (10, -1.0, -1.0, "undecided"), (200, -1.0, -2.5, "different")],
)
def test_verdicts(n: int, real: float, made: float, verdict: str) -> None:
    sets = [e.effects(normal(n, mean, 10 * k), normal(n, 0, 10 * k + 1), how()) for k, mean in enumerate((real, made))]
    found = e.equivalence(*sets, 0, 0.3, how())
    assert found["verdict"] == verdict
    assert found["difference"]["value"] == pytest.approx(made - real, abs=0.05) and found["difference"]["n"] == 4 * n


def test_two_one_sided_tests_count_draws_beyond_the_margins() -> None:
    draws = np.r_[np.full(3, -0.4), np.zeros(90), np.full(7, 0.5), np.nan]
    assert e.tost(draws, 0.3) == pytest.approx((1 + 7) / (1 + 100))
    assert e.tost(np.zeros(2000), 0.3) == 1 / 2001
    assert e.verdict_of(Interval(0.1, 0.05, 0.15, 9), 0.01, 0.95) == "equivalent"
    assert e.verdict_of(Interval(0.1, 0.05, 0.15, 9), 0.2, 0.95) == "different"


def test_deming_finds_the_slope_whichever_side_has_the_error() -> None:
    x = np.linspace(-2, 1, 12)
    assert e.deming(x, 0.6 * x - 1) == pytest.approx(0.6)
    assert e.deming(x, 0.6 * x) == pytest.approx(1 / e.deming(0.6 * x, x))
    assert np.isnan(e.deming(np.zeros(4), np.zeros(4)))
