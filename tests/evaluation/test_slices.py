"""Slices lie where there is brain, at the same positions in every head, and become square images."""

import numpy as np
import pytest

from tlesynth.data.template import load_template
from tlesynth.evaluation.slices import LEAST_BRAIN, PLANES, all_coronal, as_images, enlarged, positions, slices_of
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


def test_every_coronal_slice_is_one_of_the_papers() -> None:
    volume = np.random.default_rng(0).random((4, 6, 5))
    found = all_coronal(volume)
    assert found.shape == (6, 4, 5) and np.allclose(found[2], volume[:, 2])


def test_enlarging_keeps_a_plain_image_plain() -> None:
    found = enlarged(as_images(np.full((2, 9, 9), 0.25, np.float32)))
    assert found.shape == (2, 3, 299, 299) and np.allclose(found, 0.25, atol=1e-5)
