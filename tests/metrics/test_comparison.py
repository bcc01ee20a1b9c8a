"""A hippocampus that shrank by a known amount, a planted checkerboard, a copy: all are measured for what they are."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from tlesynth.metrics.comparison import compare

from ..evaluation.conftest import GRID, head


def test_a_copy_has_no_error_and_no_bias() -> None:
    volume = head(1).volume
    found = compare(volume, volume, GRID)
    assert found["l1"] == 0 and found["hippocampus_bias"] == 0 and found["ssim"] == pytest.approx(1, abs=1e-5)
    assert found["hippocampus_left"] == found["hippocampus_left_rebuilt"] > 1000


@pytest.mark.parametrize("loss", [0.1, 0.25])
def test_a_shrunken_hippocampus_is_a_bias_of_its_side(loss: float) -> None:
    whole, shrunk = head(2), head(2, left=loss)
    found = compare(whole.volume, shrunk.volume, GRID)
    true = shrunk.left / whole.left - 1
    assert 1.1 * true < found["hippocampus_bias_left"] < 0.5 * true  # the measure dilutes a loss
    assert abs(found["hippocampus_bias_right"]) < 0.02
    assert found["hippocampus_bias"] == (found["hippocampus_bias_left"] + found["hippocampus_bias_right"]) / 2


def test_a_reconstruction_without_tissues_has_lost_its_hippocampi() -> None:
    volume = head(3).volume
    assert compare(volume, np.where(volume > 0, 0.5, 0).astype(np.float32), GRID)["hippocampus_bias"] == -1
    assert np.isnan(compare(np.zeros_like(volume), volume, GRID)["hippocampus_bias"])


def test_a_planted_checkerboard_of_4_voxels_is_found_and_smoothing_is_not_one() -> None:
    volume = head(4).volume
    smooth = gaussian_filter(volume, 1.0) * (volume > 0)
    x, y, z = np.indices(volume.shape) // 2 % 2
    board = 0.04 * np.where((x + y + z) % 2, 1, -1) * (volume > 0)
    clean, marked = (compare(volume, v.astype(np.float32), GRID) for v in (smooth, smooth + board))
    for axis in "xyz":
        assert clean[f"grid_{axis}_4_db"] < 1 and marked[f"grid_{axis}_4_db"] > 6
