"""The quality row of a picture whose numbers are known."""

import time

import numpy as np
import pytest

from tlesynth.data.preprocess.quality import Native, mask_asymmetry, measure, pole_coverage, turn_deg
from tlesynth.data.template import load_template
from tlesynth.volume import GRIDS, Volume

GRID = GRIDS["mni-3mm"]
BRAIN = load_template(GRID).mask > 0


def picture(noise: float = 0.04, contrast: float = 0.3) -> np.ndarray:
    wm = load_template(GRID).wm > 0.5
    draws = np.random.default_rng(0).normal(0, noise, BRAIN.shape)
    return np.where(BRAIN, 0.5 + contrast * wm + draws, 0).astype(np.float32)


def test_known_tissue_gives_known_ratios() -> None:
    quality = measure(picture(), BRAIN, np.diag([1.0, 0.9, 1.1, 1.0]), 1500.0, GRID)
    assert quality.snr == pytest.approx(0.8 / 0.04, rel=0.05)
    assert quality.noise_snr == pytest.approx(0.8 / 0.04, rel=0.1)
    assert quality.cnr == pytest.approx(0.3 / 0.04, rel=0.05)
    assert quality.cjv == pytest.approx(0.08 / 0.3, rel=0.05)
    assert quality.contrast == pytest.approx(0.3 / 0.8, rel=0.02)
    assert quality.dice == quality.poles == 1
    assert abs(quality.asymmetry) < 1e-9
    assert quality.ghost < 0.05 and quality.bias_cv < 0.02
    assert quality.determinant == pytest.approx(0.99)
    assert quality.row()["mask_ml"] == 1500


def test_a44_the_wrong_order_of_tissues_shows_as_a_negative_contrast() -> None:
    assert measure(picture(contrast=-0.3), BRAIN, np.eye(4), 1500.0, GRID).contrast < -0.5


def test_an_empty_picture_gives_zeros_and_no_error() -> None:
    empty = np.zeros(GRID.shape, np.float32)
    quality = measure(empty, empty > 0, np.eye(4), 0.0, GRID)
    assert set(quality.row().values()) == {0.0, 1.0}, "the determinant of the identity alone is not 0"


def test_the_scan_itself_tells_its_noise_and_its_field() -> None:
    inside = np.ones((40, 40, 40), bool)
    voxels = np.random.default_rng(1).normal(640, 40, inside.shape).astype(np.float32)
    field = np.where(np.indices(inside.shape)[0] < 20, 0.9, 1.1)
    native = Native(Volume(voxels, np.diag([2.0, 2.0, 2.0, 1.0])), inside, field)
    quality = measure(picture(0.001), BRAIN, np.eye(4), 1500.0, GRID, native)
    assert quality.noise_snr == pytest.approx(640 / 40, rel=0.1)
    assert quality.bias_cv == pytest.approx(0.1, rel=0.02)


def test_a_missing_temporal_pole_is_seen_on_either_side() -> None:
    x, y, z = GRID.world()
    for side in (-1, 1):
        clipped = BRAIN & ~((side * x > 20) & (y > 4) & (z < -20))
        assert pole_coverage(clipped, GRID) < 0.4
    assert pole_coverage(BRAIN, GRID) == 1


def test_a_cut_field_of_view_is_seen_in_the_signal_where_the_mask_reaches_on() -> None:
    voxels = picture()
    voxels[:, :, 40:] = 0
    assert measure(voxels, BRAIN, np.eye(4), 1500.0, GRID).cut_cm2 > 70
    assert measure(picture(), BRAIN, np.eye(4), 1500.0, GRID).cut_cm2 < 12


def test_a_third_more_on_the_right_is_an_asymmetry_of_a_third() -> None:
    mask = np.zeros((4, 4, 4), bool)
    mask[0, :3], mask[3] = True, True
    assert mask_asymmetry(mask) == pytest.approx(200 * 4 / 28)
    assert mask_asymmetry(np.zeros_like(mask)) == 0


@pytest.mark.parametrize("degrees", [0, 12, 180])
def test_a42_the_turn_is_that_of_the_rotation_whatever_the_scales(degrees: int) -> None:
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([0.9, 1.1, 1.0])
    assert turn_deg(affine) == pytest.approx(degrees, abs=0.01)


def test_one_scan_costs_less_than_a_second_of_a_core() -> None:
    grid = GRIDS["mni-1.5mm"]
    template = load_template(grid)
    mask = template.mask > 0
    native = Native(Volume(np.pad(template.t1, 40), np.diag([1.0, 1.0, 1.0, 1.0])), np.pad(mask, 40))
    started = time.process_time()
    measure(np.array(template.t1), mask, np.eye(4), 1500.0, grid, native)
    assert time.process_time() - started < 1.5, "0.7 s on the machine this was written on"
