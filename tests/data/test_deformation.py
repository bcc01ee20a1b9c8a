"""Laws of the exponential map: known flows, inverse, mirror, volume."""

from __future__ import annotations

import numpy as np
import pytest

from tlesynth.data.deformation import exponential, jacobian_determinant, random_field, sample
from tlesynth.volume import Grid

GRID = Grid("box", (48, 48, 48), 2.0, (-47.0, -47.0, -47.0))
INNER = (slice(10, -10),) * 3


@pytest.fixture(scope="module")
def velocity() -> np.ndarray:
    return random_field(np.random.default_rng(3), GRID, sigma=10, amplitude=2.0)


def test_a_constant_velocity_is_a_shift() -> None:
    constant = np.full((3, *GRID.shape), 1.5, np.float32)
    assert exponential(constant, GRID) == pytest.approx(1.5, abs=1e-4)


def test_a_linear_velocity_scales_by_its_exponential() -> None:
    # v = a x flows to x e^a; the volume grows by e^(3a).
    velocity = -0.2 * GRID.world()
    displacement = exponential(velocity, GRID)
    expected = (np.exp(-0.2) - 1) * GRID.world()
    assert displacement[:, *INNER] == pytest.approx(expected[:, *INNER], abs=0.05)
    assert jacobian_determinant(displacement, GRID)[INNER] == pytest.approx(np.exp(-0.6), abs=0.01)


def test_minus_v_is_the_inverse(velocity: np.ndarray) -> None:
    there, back = exponential(velocity, GRID), exponential(-velocity, GRID)
    rest = sample(there, GRID, GRID.world() + back, outside="border") + back
    assert np.abs(rest[:, *INNER]).max() < 0.25
    assert np.percentile(np.abs(rest[:, *INNER]), 99) < 0.12
    assert np.abs(there).max() > 3


def test_no_folding(velocity: np.ndarray) -> None:
    assert jacobian_determinant(exponential(velocity, GRID), GRID).min() > 0.05


def test_a_region_s_volume_is_the_integral_of_the_jacobian(velocity: np.ndarray) -> None:
    radius = np.linalg.norm(GRID.world() - np.array([3.0, -2, 5]).reshape(3, 1, 1, 1), axis=0)
    ball = np.clip((18 - radius) / 2 + 0.5, 0, 1)
    jacobian = jacobian_determinant(exponential(velocity, GRID), GRID)
    pulled = sample(ball[None], GRID, GRID.world() + exponential(-velocity, GRID))[0]
    assert (ball * jacobian).sum() == pytest.approx(pulled.sum(), rel=0.01)
    half = ball * (GRID.world()[0] > 3)
    assert abs((half * jacobian).sum() / half.sum() - 1) > 0.004  # the field does change it


def test_the_mirror_of_the_exponential_is_the_exponential_of_the_mirror(velocity: np.ndarray) -> None:
    turn = np.array([-1, 1, 1], np.float32).reshape(3, 1, 1, 1)
    assert exponential(turn * velocity[:, ::-1], GRID) == pytest.approx(
        turn * exponential(velocity, GRID)[:, ::-1], abs=1e-4
    )


def test_sampling_finds_voxels_and_their_middles() -> None:
    values = np.random.default_rng(0).random((1, *GRID.shape)).astype(np.float32)
    assert sample(values, GRID, GRID.world()) == pytest.approx(values, abs=1e-4)
    between = GRID.world()[:, :1, :1, :1] + np.array([1.0, 0, 0], np.float32).reshape(3, 1, 1, 1)
    assert sample(values, GRID, between).item() == pytest.approx(values[0, :2, 0, 0].mean(), abs=1e-4)
    far = np.full((3, 1, 1, 1), 500.0, np.float32)
    assert sample(values, GRID, far).item() == 0
    assert sample(values, GRID, far, outside="border").item() == pytest.approx(values[0, -1, -1, -1])


@pytest.mark.parametrize("sigma", [6.0, 15.0])
def test_random_fields_have_the_amplitude_and_smoothness_asked_for(sigma: float) -> None:
    fields = random_field(np.random.default_rng(1), GRID, sigma, 2.0, channels=40)
    assert fields.std() == pytest.approx(2.0, rel=0.15)
    lag = round(sigma / GRID.spacing)
    # White noise under a Gaussian of sigma correlates by exp(-d^2 / 4 sigma^2).
    both = np.mean(fields[:, lag:] * fields[:, :-lag]) / fields.var()
    assert both == pytest.approx(np.exp(-((lag * GRID.spacing / sigma) ** 2) / 4), abs=0.1)
