"""The Frechet distance against its closed form, and its floor."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from tlesynth.metrics.frechet import Gaussian, against_floor, distance_interval, frechet_distance, gaussian_of
from tlesynth.metrics.statistics import Resampling


def how(seed: int = 0) -> Resampling:
    return Resampling(100, 0.95, np.random.default_rng(seed))


def test_equal_sets_are_at_distance_zero() -> None:
    x = np.random.default_rng(0).normal(size=(20, 8))
    assert frechet_distance(gaussian_of(x), gaussian_of(x)) == pytest.approx(0, abs=1e-8)


def test_shifted_gaussians_are_at_the_squared_shift() -> None:
    x = np.random.default_rng(0).normal(size=(40, 5))
    shift = np.array([1.0, 0, -2, 0, 0])
    assert frechet_distance(gaussian_of(x), gaussian_of(x + shift)) == pytest.approx(5, abs=1e-8)


def test_scaled_gaussians_have_the_closed_form() -> None:
    a, b = Gaussian(np.zeros(3), np.diag([1.0, 4, 9])), Gaussian(np.zeros(3), np.diag([4.0, 4, 1]))
    assert frechet_distance(a, b) == pytest.approx((1 - 2) ** 2 + 0 + (3 - 1) ** 2)


def test_correlated_gaussians_agree_with_the_matrix_root() -> None:
    rng = np.random.default_rng(1)
    a, b = (gaussian_of(rng.normal(size=(50, 6)) @ rng.normal(size=(6, 6))) for _ in range(2))
    direct = ((a.mean - b.mean) ** 2).sum() + np.trace(a.covariance + b.covariance)
    direct -= 2 * np.trace(sqrtm(a.covariance @ b.covariance)).real
    assert frechet_distance(a, b) == pytest.approx(direct, rel=1e-6)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), rel=1e-6)


def test_shrinkage_fades_with_many_subjects_and_holds_few_together() -> None:
    rng = np.random.default_rng(2)
    scales = np.array([1.0, 2, 3, 4])
    many = gaussian_of(rng.normal(size=(20_000, 4)) * scales).covariance
    assert np.diag(many) == pytest.approx(scales**2, rel=0.05)
    few = gaussian_of(rng.normal(size=(4, 30))).covariance
    assert np.linalg.eigvalsh(few).min() > 0.1


def test_resamples_are_computed_at_once() -> None:
    x = np.random.default_rng(3).normal(size=(7, 12, 4))
    together = frechet_distance(gaussian_of(x), gaussian_of(x[0]))
    assert together == pytest.approx([float(frechet_distance(gaussian_of(v), gaussian_of(x[0]))) for v in x])


def test_a_shifted_cohort_lies_above_its_floor_and_an_equal_one_near_it() -> None:
    rng = np.random.default_rng(4)
    training, reference, same = (rng.normal(size=(n, 6)) for n in (60, 40, 50))
    good, bad = (against_floor(x, training, reference, how()) for x in (same, same + 2))
    assert good["ratio"] < 2 < 10 < bad["ratio"]
    assert good["n_synthetic"] == 50 and good["n_real"] == 40
    assert good["value"]["low"] <= good["value"]["value"] <= good["value"]["high"]


def test_too_few_subjects_give_no_distance() -> None:
    x = np.random.default_rng(5).normal(size=(10, 3))
    assert "not_computed" in distance_interval(x[:2], x, 2, how())
    assert "not_computed" in against_floor(x[:2], x, x, how())["ratio"]
