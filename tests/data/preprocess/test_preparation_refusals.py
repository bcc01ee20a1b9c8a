"""Turned heads are found again; what is no whole brain is refused."""

from collections.abc import Callable

import numpy as np
import pytest

from tlesynth.data.preprocess.preparation import prepare
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Preprocess
from tlesynth.volume import Volume

SETTINGS = Preprocess(grid="mni-3mm", registration_mm=5.0, n4=False)


def test_an_upside_down_or_turned_head_is_found_again_or_refused_a42(
    brain: Callable[..., Volume], rotation: Callable[..., np.ndarray]
) -> None:
    scan = brain(np.eye(4), spacing=3.5, shape=(60, 66, 58))
    for turn in (rotation(180, 0), rotation(55, 0) @ rotation(40, 1)):
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
