"""Around a drawn brain is nothing: specks, threads and halos go, the brain and its holes stay bit for bit."""

import numpy as np
import pytest
from scipy import ndimage

from tlesynth.data.template import load_template
from tlesynth.synthesis.background import FAINTEST, brain_of, cleaned, dilated, eroded, filled, largest_part
from tlesynth.volume import GRIDS

GRID = GRIDS["mni-3mm"]


@pytest.fixture(scope="module")
def brain() -> np.ndarray:
    """The template's brain as a generator that made no mistake would draw it: cleaned, and with dark ventricles."""
    template = load_template(GRID)
    drawn = cleaned(np.where(template.mask > 0, template.t1, 0)).voxels
    drawn[27:29, 36:40, 30:32] = 0.0  # fluid inside, as dark as the background
    return drawn


def test_a_clean_volume_is_unchanged_bit_for_bit(brain: np.ndarray) -> None:
    found = cleaned(brain)
    assert found.voxels.dtype == np.float32 and found.removed == 0
    assert found.voxels.tobytes() == brain.tobytes()


def test_planted_specks_threads_and_a_halo_are_removed_and_counted(brain: np.ndarray) -> None:
    drawn, empty = brain.copy(), ~ndimage.binary_dilation(brain > 0, iterations=2)
    random = np.random.default_rng(0)
    specks = random.choice(np.flatnonzero(empty), 200, replace=False)
    drawn.reshape(-1)[specks] = random.uniform(0.1, 1.4, 200)
    drawn[28, 34, :8] = 0.5  # a thread that ties a speck below to the brain
    drawn[2:6, 2:6, 2:6] = 0.9  # a smaller object
    halo = ndimage.binary_dilation(brain > 0) & (brain == 0) & ~ndimage.binary_fill_holes(brain > 0)
    drawn[halo & (drawn == 0)] = FAINTEST - 0.01
    planted = int((drawn > 0).sum() - (brain > 0).sum())
    found = cleaned(drawn)
    kept = np.abs(found.voxels - brain) > 0
    assert kept.sum() <= 2, "no more than where the thread meets the brain"
    assert found.removed == pytest.approx((planted - kept.sum()) / (drawn > 0).sum(), abs=1e-5)
    again = cleaned(found.voxels)
    assert again.removed == 0 and np.array_equal(again.voxels, found.voxels)


def test_a_dark_voxel_inside_stays_and_too_bright_ones_are_clipped() -> None:
    volume = np.full((30, 30, 30), 0.02, np.float32)
    volume[8:22, 8:22, 8:22] = 1.2
    volume[14, 14, 14] = 0.01
    found = cleaned(volume)
    assert found.voxels[14, 14, 14] == np.float32(0.01) and found.voxels.max() == 1
    assert (found.voxels > 0).sum() == (brain_of(volume)).sum()
    # Of a cube the opening takes the edges, where two faces meet: 12 edges of 12 voxels, and 8 corners.
    assert (found.voxels > 0).sum() == 14**3 - 12 * 12 - 8


def test_without_a_brain_nothing_is_left() -> None:
    for volume in (np.full((9, 9, 9), 0.01, np.float32), np.eye(9, dtype=np.float32)[None].repeat(9, 0)):
        found = cleaned(volume)
        assert not found.voxels.any() and found.removed == 1
    assert cleaned(np.zeros((9, 9, 9), np.float32)).removed == 0


def test_a_brain_cut_by_the_box_keeps_its_cut_face() -> None:
    volume = np.zeros((10, 10, 10), np.float32)
    volume[2:8, 2:8, :6] = 0.5
    assert cleaned(volume).voxels[3:7, 3:7, 0].all()


def test_the_fast_operations_are_those_of_scipy() -> None:
    mask = np.pad(ndimage.gaussian_filter(np.random.default_rng(1).standard_normal((20, 17, 23)), 1) > 0, 1)
    assert np.array_equal(eroded(mask), ndimage.binary_erosion(mask))
    assert np.array_equal(dilated(mask), ndimage.binary_dilation(mask))
    assert np.array_equal(filled(mask), ndimage.binary_fill_holes(mask))
    sizes = ndimage.sum_labels(mask, parts := ndimage.label(mask)[0], range(1, parts.max() + 1))
    assert largest_part(mask).sum() == sizes.max() and parts.max() > 1
