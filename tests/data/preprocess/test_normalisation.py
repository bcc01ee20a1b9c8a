"""SyN: grey matter is kept by modulation, smoothing keeps sums, folded warps are refused, and twice is the same."""

from collections.abc import Callable

import numpy as np
import pytest

from tlesynth.data.preprocess import normalisation
from tlesynth.data.preprocess.normalisation import Warp, check, modulated, smoothed_map, warp_to_template
from tlesynth.data.template import load_template
from tlesynth.errors import TlesynthError
from tlesynth.volume import GRIDS, Volume

GRID = GRIDS["mni-3mm"]


def bulge(millimetres: float) -> np.ndarray:
    """A smooth displacement (3, X, Y, Z) that pulls towards the grid's middle."""
    world = GRID.world() - np.reshape([0, -18, 12], (3, 1, 1, 1))
    return (-millimetres * world / 30 * np.exp(-0.5 * (world**2).sum(axis=0) / 30**2)).astype(np.float32)


def test_modulation_keeps_the_amount_of_grey_matter() -> None:
    from tlesynth.data.deformation import jacobian_determinant

    displacement = bulge(6)
    warp = Warp(displacement, jacobian_determinant(displacement, GRID), GRID)
    grey = load_template(GRID).gm
    assert warp.apply(grey).sum() != pytest.approx(grey.sum(), rel=0.01)
    assert modulated(grey, warp, 0.8).sum() == pytest.approx(0.8 * grey.sum(), rel=0.005)


def test_smoothing_keeps_the_sum_and_has_the_asked_width() -> None:
    point = np.zeros((61, 61, 61), np.float32)
    point[30, 30, 30] = 1
    smooth = smoothed_map(point, 10, 1.5)
    assert smooth.sum() == pytest.approx(1, rel=1e-4)
    profile = smooth[30:, 30, 30] / smooth.max()
    assert 2 * 1.5 * np.interp(0.5, profile[::-1], np.arange(31)[::-1]) == pytest.approx(10, rel=0.03)


@pytest.mark.parametrize(
    ("values", "told"), [([1.0, -0.1], "folds"), ([1.0] * 50 + [7.0] * 50, "stretches"), ([0.1, 1.0], "stretches")]
)
def test_a_warp_that_is_no_anatomy_is_refused(values: list[float], told: str) -> None:
    with pytest.raises(TlesynthError, match=told) as caught:
        check(np.array(values))
    assert caught.value.code == "REG-004"


def test_a_planted_deformation_is_found_again_with_the_same_bytes(brain: Callable[..., Volume]) -> None:
    template = load_template(GRID)
    squeezed = Warp(bulge(5), np.ones(GRID.shape, np.float32), GRID).apply(template.t1)
    scan = Volume(squeezed, GRID.affine)
    found = warp_to_template(scan, squeezed > 0.05, np.eye(4), GRID, 6.0)
    middle = np.abs(GRID.world() - np.reshape([0, -18, 12], (3, 1, 1, 1))).max(axis=0) < 18
    assert found.jacobian[middle].mean() > 1.15  # the scan was shrunk from a wider reach, so it holds more there
    assert (
        np.corrcoef(found.apply(squeezed)[middle], template.t1[middle])[0, 1]
        > np.corrcoef(squeezed[middle], template.t1[middle])[0, 1]
    )
    again = warp_to_template(scan, squeezed > 0.05, np.eye(4), GRID, 6.0)
    assert again.displacement.tobytes() == found.displacement.tobytes()


def test_a_registration_that_breaks_down_is_told_with_its_words_a45(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def from_numpy(self, *_: object, **__: object) -> None:
            return None

        def registration(self, *_: object, **__: object) -> None:
            raise RuntimeError("no overlap")

    monkeypatch.setattr(normalisation, "ants_module", lambda seed: Broken())
    voxels = load_template(GRID).t1
    with pytest.raises(TlesynthError, match="SyN: no overlap") as caught:
        warp_to_template(Volume(voxels, GRID.affine), voxels > 0, np.eye(4), GRID, 6.0)
    assert caught.value.code == "REG-003"
