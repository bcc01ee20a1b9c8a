from pathlib import Path

import numpy as np
import pytest

from tlesynth.errors import TlesynthError
from tlesynth.reader_study.canonical import brain, canonical, ceiling, saturated, write_item
from tlesynth.volume import GRIDS

from .phantom_cohorts import phantom

GRID = GRIDS["mni-3mm"]


@pytest.fixture(scope="module")
def voxels() -> np.ndarray:
    return phantom(np.random.default_rng(1))


def test_background_is_0_and_the_brain_runs_from_1_to_255(voxels: np.ndarray) -> None:
    inside = brain(voxels, "x")
    shown = canonical(voxels, inside, 0.02)
    assert shown.dtype == np.uint8 and not shown[~inside].any()
    assert shown[inside].min() == 1 and shown[inside].max() == 255


def test_a_gain_an_offset_and_a_noisy_background_change_nothing(voxels: np.ndarray) -> None:
    inside = brain(voxels, "x")
    plain = canonical(voxels, inside, 0.02).astype(int)
    other = (0.2 + 0.5 * voxels) * inside
    noisy = other + 0.02 * ~inside
    assert np.abs(canonical(other, inside, 0.02) - plain).max() <= 1
    assert (canonical(noisy, inside, 0.02) == canonical(other, inside, 0.02)).all()


def test_the_share_of_white_is_the_same_for_a_clipped_scan(voxels: np.ndarray) -> None:
    clipped = np.minimum(voxels, np.quantile(voxels[voxels > 0], 0.97))
    shares = [saturated(v, brain(v, "x")) for v in (voxels, clipped)]
    white = ceiling(shares)
    assert shares[0] < 0.005 and 0.02 < shares[1] < 0.05 and white == shares[1]
    found = [(canonical(v, brain(v, "x"), white) == 255).mean() for v in (voxels, clipped)]
    assert found[0] == pytest.approx(found[1], rel=0.1)
    assert ceiling([0.0]) == 0.005 and ceiling([0.9]) == 0.05


def test_the_brain_is_the_largest_piece_without_holes(voxels: np.ndarray) -> None:
    spoilt = voxels.copy()
    spoilt[28, 30, 28] = 0
    spoilt[1:4, 1:4, 1:4] = 1
    inside = brain(spoilt, "x")
    assert inside[28, 30, 28] and not inside[:5, :5, :5].any()
    with pytest.raises(TlesynthError, match="NII-022"):
        brain(np.zeros(GRID.shape, np.float32), "x")


def test_two_items_differ_in_voxels_alone(voxels: np.ndarray, tmp_path: Path) -> None:
    for name, scan in (("a", voxels), ("b", np.sqrt(voxels))):
        write_item(tmp_path / f"{name}.nii", canonical(scan, brain(scan, name), 0.02), GRID)
    a, b = ((tmp_path / f"{name}.nii").read_bytes() for name in "ab")
    assert len(a) == len(b) == 352 + int(np.prod(GRID.shape)) and a[:352] == b[:352] and a != b
