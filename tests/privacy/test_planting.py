"""Each planted copy is what its name says."""

import numpy as np
import pytest
from scipy import ndimage

from tlesynth.privacy.planting import NOISE, PLANTS, SHIFT_MM

from .people import GRID, person


def plant(kind: str) -> np.ndarray:
    return PLANTS[kind](person(0), person(1), np.random.default_rng(1))


@pytest.mark.parametrize("kind", PLANTS)
def test_a_planted_copy_is_a_volume_of_the_grid(kind: str) -> None:
    made = plant(kind)
    assert made.shape == GRID.shape and made.dtype == np.float32 and made.min() >= 0 and made.max() <= 1
    assert (kind == "exact") == np.array_equal(made, person(0))


def test_what_is_planted_is_known() -> None:
    np.testing.assert_array_equal(plant("flipped")[::-1], person(0))
    np.testing.assert_allclose(plant("blended"), (person(0) + person(1)) / 2, atol=1e-6)
    inside = (person(0) > 0.3) & (person(0) < 0.7)
    assert (plant("noised") - person(0))[inside].std() == pytest.approx(NOISE, rel=0.03)
    moved = np.subtract(ndimage.center_of_mass(plant("shifted")), ndimage.center_of_mass(person(0)))
    assert GRID.spacing * np.linalg.norm(moved) == pytest.approx(SHIFT_MM, rel=0.05)
