"""Turned heads are found again, what is no whole brain is refused, and every branch gives the same bytes twice."""

from collections.abc import Callable

import numpy as np
import pytest

from tlesynth.data.preprocess.preparation import prepare
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Preprocess
from tlesynth.volume import GRIDS, Volume

GRID = GRIDS["mni-3mm"]
SETTINGS = Preprocess(grid="mni-3mm", registration_mm=5.0, n4=False)


def test_an_upside_down_or_turned_head_is_found_again_or_refused_a42(
    brain: Callable[..., Volume], rotation: Callable[..., np.ndarray]
) -> None:
    scan = brain(np.eye(4), spacing=3.5, shape=(60, 66, 58))
    for turn in (rotation(180, 0), rotation(90, 2), rotation(55, 0) @ rotation(40, 1)):
        found = prepare(Volume(scan.voxels, turn @ scan.affine), SETTINGS)
        assert np.abs(found.to_native - turn)[:3, :3].max() < 0.05
        assert found.quality.correlation > 0.9


def test_a_phantom_and_half_a_field_of_view_are_refused_a43(brain: Callable[..., Volume]) -> None:
    scan = brain(np.eye(4), spacing=3.5, shape=(60, 66, 58))
    x, y, z = np.indices(scan.voxels.shape) - np.reshape(np.array(scan.voxels.shape) / 2, (3, 1, 1, 1))
    tube = (np.hypot(x, y) < 12) & (np.abs(z) < 25)
    phantom = np.where(tube, 500 + 20 * np.sin(x), 0).astype(np.float32)
    half = scan.voxels.copy()
    half[:, :, : half.shape[2] // 2] = 0
    front = np.where(y > 0, scan.voxels, 0)
    for voxels in (phantom, half, front):
        with pytest.raises(TlesynthError) as caught:
            prepare(Volume(voxels, scan.affine), SETTINGS)
        assert caught.value.code == "REG-001"


def test_a_registration_that_breaks_down_is_told_a45(
    brain: Callable[..., Volume], monkeypatch: pytest.MonkeyPatch
) -> None:
    import ants

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("did not converge")

    monkeypatch.setattr(ants, "registration", broken)
    with pytest.raises(TlesynthError, match="did not converge") as caught:
        prepare(brain(np.eye(4), spacing=5.0, shape=(42, 46, 42)), SETTINGS)
    assert caught.value.code == "REG-003"


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
