"""Precision, recall, density and coverage of points on a line, of equal kinds, and of a collapsed set."""

import numpy as np
import pytest

from tlesynth.metrics.manifold import neighbours, overlap, overlap_against_real
from tlesynth.metrics.statistics import Resampling


def how() -> Resampling:
    return Resampling(100, 0.95, np.random.default_rng(0))


def test_points_on_a_line() -> None:
    real, made = (np.array(x)[:, None] for x in ([0.0, 1, 2, 10], [0.5, 30.0, 32.0]))
    found = overlap(made, real, k=1)  # real balls reach 1, 1, 1, 8; synthetic ones 29.5, 2, 2
    assert found.precision.tolist() == [True, False, False]
    assert found.density.tolist() == [2, 0, 0]
    assert found.recall.tolist() == [True] * 4
    assert found.coverage.tolist() == [True, True, False, False]


def test_k_shrinks_with_the_set() -> None:
    assert [neighbours(n) for n in (3, 10, 25, 1000)] == [1, 3, 5, 5]


def test_one_kind_is_near_real_against_real() -> None:
    rng = np.random.default_rng(1)
    found = overlap_against_real(*(rng.normal(size=(n, 4)) for n in (200, 300, 200)), how())
    assert found["k"] == 5 and found["n_synthetic"] == 200
    assert found["density"]["value"]["value"] == pytest.approx(1, abs=0.15)  # its expectation (Naeem 2020)
    assert found["coverage"]["value"]["value"] == pytest.approx(1 - 2**-5, abs=0.04)  # 1 - (1/2)^k for equal sizes
    assert all(found[name]["ratio"] == pytest.approx(1, abs=0.2) for name in ("precision", "recall", "coverage"))


def test_a_collapsed_set_recalls_and_covers_nothing() -> None:
    rng = np.random.default_rng(2)
    training, reference = rng.normal(size=(60, 4)), rng.normal(size=(40, 4))
    found = overlap_against_real(1e-3 * rng.normal(size=(60, 4)), training, reference, how())
    assert found["precision"]["value"]["value"] == 1
    assert found["recall"]["value"]["value"] == 0 and found["coverage"]["ratio"] < 0.5


def test_a_shifted_set_is_outside() -> None:
    rng = np.random.default_rng(3)
    sets = (rng.normal(m, 1, (30, 3)) for m in (20, 0, 0))
    found = overlap_against_real(*sets, how())
    assert [found[n]["value"]["value"] for n in ("precision", "recall", "density", "coverage")] == [0] * 4


def test_seven_subjects_are_too_few() -> None:
    x = np.random.default_rng(4).normal(size=(24, 3))
    for n in (3, 7):
        assert overlap_against_real(x[:n], x, x, how())["not_computed"] == f"{n} scans; at least 8 are needed"
        assert "not_computed" in overlap_against_real(x, x, x[:n], how())
    assert overlap_against_real(x[:8], x[8:16], x[16:], how())["k"] == 2
