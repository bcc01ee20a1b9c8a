"""KID against sums written out, its zero for equal kinds, its closed form for a shift, and its interval."""

import numpy as np
import pytest

from tlesynth.metrics.kid import kernels, kid, kid_against_floor, kid_difference, squared_mmd
from tlesynth.metrics.statistics import Resampling


def how(seed: int = 0) -> Resampling:
    return Resampling(100, 0.95, np.random.default_rng(seed))


def written_out(a: np.ndarray, b: np.ndarray) -> float:
    def k(x: np.ndarray, y: np.ndarray) -> float:
        return float((x @ y / len(x) + 1) ** 3)

    def within(s: np.ndarray) -> float:
        return float(np.mean([k(x, y) for i, x in enumerate(s) for j, y in enumerate(s) if i != j]))

    return within(a) + within(b) - 2 * float(np.mean([k(x, y) for x in a for y in b]))


def test_it_is_the_sum_written_out() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(6, 3)), rng.normal(1, 2, size=(5, 3))
    assert squared_mmd(kernels(a, b)) == pytest.approx(written_out(a, b))


def test_points_have_a_closed_form() -> None:
    """All of one set at x, all of the other at y: k(x, x) + k(y, y) - 2 k(x, y)."""
    a, b = np.full((9, 2), 1.0), np.full((8, 2), 2.0)
    found = kid(a, b, how())
    assert found["value"] == found["low"] == found["high"] == pytest.approx(2**3 + 5**3 - 2 * 3**3)
    assert found["subsets"]["mean"] == pytest.approx(found["value"]) and found["subsets"]["se"] == 0


def test_one_kind_lies_at_zero_and_the_interval_is_honest() -> None:
    rng = np.random.default_rng(1)
    found = [kid(rng.normal(size=(20, 4)), rng.normal(size=(15, 4)), how()) for _ in range(200)]
    assert np.mean([f["value"] for f in found]) == pytest.approx(0, abs=0.03)
    assert 0.88 < np.mean([f["low"] <= 0 <= f["high"] for f in found]) <= 1


def test_slices_of_one_head_are_one_subject() -> None:
    a = np.random.default_rng(2).normal(size=(6, 3))
    b = a[::-1] + 1
    repeated = (np.repeat(s[:, None], 7, axis=1) for s in (a, b))
    assert squared_mmd(kernels(*repeated)) == pytest.approx(squared_mmd(kernels(a, b)))


def test_a_shifted_set_lies_above_its_floor() -> None:
    rng = np.random.default_rng(3)
    training, reference, same = (rng.normal(size=(n, 6)) for n in (60, 40, 50))
    good, bad = (kid_against_floor(x, training, reference, how()) for x in (same, same + 1))
    assert bad["above_floor"]["low"] > 0 and good["above_floor"]["low"] < 0 < good["above_floor"]["high"]
    assert good["floor"]["n"] == 50 + 40 and "not_computed" in good["ratio"]
    known = bad["value"]["value"] - bad["floor"]["value"]
    assert bad["above_floor"]["value"] == pytest.approx(known, rel=1e-4)


def test_the_nearer_set_is_known() -> None:
    rng = np.random.default_rng(4)
    made, own, other = (rng.normal(m, 1, (40, 4)) for m in (0, 0, 2))
    assert kid_difference(made, own, other, how())["high"] < 0


def test_eight_subjects_are_the_fewest() -> None:
    x = np.random.default_rng(5).normal(size=(16, 3))
    assert "value" in kid(x[:8], x[8:], how())
    for n in (3, 7):
        reason = f"{n} scans; at least 8 are needed"
        assert kid(x[:n], x, how())["not_computed"] == kid_difference(x, x[:n], x, how())["not_computed"] == reason
        assert kid_against_floor(x[:n], x, x, how())["value"]["not_computed"] == reason
