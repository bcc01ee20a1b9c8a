"""Slices lie where there is brain, at the same positions in every head, and become square images."""

import numpy as np
import pytest

from tlesynth.data.template import load_template
from tlesynth.evaluation.slices import LEAST_BRAIN, PLANES, as_images, positions, slices_of
from tlesynth.volume import GRIDS

from .conftest import GRID


@pytest.mark.parametrize("plane", list(PLANES))
def test_chosen_slices_hold_brain(plane: str) -> None:
    mask = load_template(GRID).mask
    assert len(positions(GRID)[plane]) >= 8
    for i in positions(GRID)[plane]:
        assert np.take(mask, i, PLANES[plane]).mean() >= LEAST_BRAIN


def test_both_grids_have_about_as_many_slices() -> None:
    coarse, fine = (sum(len(p) for p in positions(g).values()) for g in (GRID, GRIDS["mni-1.5mm"]))
    assert abs(coarse - fine) <= 4


def test_images_are_square_with_equal_channels() -> None:
    volume = np.random.default_rng(0).random(GRID.shape).astype(np.float32)
    slices = slices_of(volume, GRID, "axial")
    images = as_images(slices)
    assert images.shape == (len(slices), 3, 68, 68)
    assert (images[:, 0] == images[:, 2]).all()
    assert images[0, 0, 6:62].numpy() == pytest.approx(slices[0])
    assert float(images[:, :, :6].max()) == 0
