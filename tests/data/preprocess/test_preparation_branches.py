"""Tissue maps, the warp and the volumes come with the T1, and twice is the same."""

from collections.abc import Callable

import numpy as np
import pytest

from tlesynth.data.preprocess.preparation import prepare
from tlesynth.recipe import Preprocess
from tlesynth.volume import GRIDS, Volume

GRID = GRIDS["mni-3mm"]


@pytest.mark.end_to_end  # 10 s and more
def test_tissues_warp_and_volumes_come_with_the_t1_and_are_the_same_bytes_twice(
    brain: Callable[..., Volume], to_native: np.ndarray
) -> None:
    scan = brain(to_native, spacing=3.5, shape=(60, 66, 58))
    settings = Preprocess(grid="mni-3mm", registration_mm=6.0, tissue="atropos", vbm=True, mode="nonlinear", n4=False)
    found = prepare(scan, settings)
    assert set(found.maps) == {"gm", "wm", "csf", "mwgm", "smwgm", "jacobian"}
    assert {values.shape for values in found.maps.values()} == {GRID.shape}
    assert found.maps["mwgm"].sum() * 27 == pytest.approx(found.volumes["gm_native_mm3"], rel=0.01)
    assert found.volumes["brain_native_mm3"] == pytest.approx(1000 * found.quality.mask_ml, rel=0.02)
    names = {"hippocampus_left_native_mm3", "hippocampus_right_mni_mm3", "hippocampus_left_jacobian_native_mm3"}
    assert names <= set(found.volumes)
    assert (found.voxels[found.mask].min(), found.voxels[found.mask].max()) == (0, 1)
    again = prepare(scan, settings)
    assert again.voxels.tobytes() == found.voxels.tobytes()
    assert all(again.maps[name].tobytes() == values.tobytes() for name, values in found.maps.items())
