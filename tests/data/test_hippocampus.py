"""A phantom of known hippocampal loss is measured with the right sign and size; the measure prefers no side."""

import numpy as np
import pytest

from tlesynth.data.hippocampus import hippocampi
from tlesynth.volume import GRIDS

from ..evaluation.conftest import GRID, head


@pytest.mark.parametrize(("left", "right"), [(0.27, 0.0), (0.0, 0.27), (0.15, 0.0)])
def test_known_asymmetry_is_measured(left: float, right: float) -> None:
    made = head(1, left, right)
    found = hippocampi(made.volume, GRID)
    assert found is not None
    true = 200 * (made.right - made.left) / (made.right + made.left)
    assert np.sign(found.asymmetry) == np.sign(true)
    assert 0.5 * abs(true) < abs(found.asymmetry) < 1.1 * abs(true)  # the warp stops short of the whole loss


def test_more_loss_is_measured_as_less_volume() -> None:
    found = [hippocampi(head(2, k).volume, GRID) for k in (-0.1, 0.0, 0.15, 0.3)]
    assert all(found)
    lefts = [f.left for f in found if f]
    assert lefts == sorted(lefts, reverse=True)
    rights = [f.right for f in found if f]
    assert max(rights) / min(rights) < 1.03


def test_the_mirror_image_swaps_the_sides_exactly() -> None:
    volume = head(3, 0.2, 0.05).volume
    one, other = hippocampi(volume, GRID), hippocampi(volume[::-1].copy(), GRID)
    assert one and other
    assert (one.left, one.right) == pytest.approx((other.right, other.left), rel=1e-5)


def test_the_template_has_its_own_volume() -> None:
    made = head(4)
    found = hippocampi(made.volume, GRID)
    assert found and found.left == pytest.approx(made.left, rel=0.2)


def test_contrast_changes_little_and_a_finer_grid_keeps_the_side() -> None:
    volume = head(5, 0.2).volume
    plain, dimmed = hippocampi(volume, GRID), hippocampi(volume * 0.8, GRID)
    finer = hippocampi(volume.repeat(2, 0).repeat(2, 1).repeat(2, 2), GRIDS["mni-1.5mm"])
    assert plain and dimmed and finer
    assert dimmed.asymmetry == pytest.approx(plain.asymmetry, abs=3)
    assert 0.5 * plain.asymmetry < finer.asymmetry < 1.5 * plain.asymmetry


def test_a_volume_without_tissues_is_not_measured() -> None:
    assert hippocampi(np.zeros(GRID.shape, np.float32), GRID) is None
    assert hippocampi(np.full(GRID.shape, 0.5, np.float32), GRID) is None
