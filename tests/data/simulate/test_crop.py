"""The crop shows both temporal lobes alike, and the disease in one of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tlesynth.data.simulate import crop, scan
from tlesynth.data.simulate.shape import shape
from tlesynth.data.simulate.subjects import FRAME, SOLVED, Latents
from tlesynth.volume import GRIDS

PLAIN = Latents(
    icv_ml=1500,
    ratio={f"{name}_{where}": 1.0 for name in SOLVED for where in FRAME},
    horn_push=dict.fromkeys(FRAME, 0.0),
    signal=dict.fromkeys(FRAME, 0.0),
    pole_blur=dict.fromkeys(FRAME, 0.0),
)
QUIET = scan.Site("site01", np.ones(3), 0.0, 0.0, 1.0, 30.0, 0.0, 0.0)


def rendered(latents: Latents = PLAIN, site: scan.Site = QUIET) -> np.ndarray:
    return crop.render_crop(latents, shape(latents, None), site, 1.0, np.random.default_rng(3))


@pytest.fixture
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TURN_DEGREES", "SHIFT_MM", "STRETCH", "RESIDUAL_BIAS"):
        monkeypatch.setattr(crop, name, 0.0)


@pytest.mark.usefixtures("exact")
def test_without_disease_and_error_the_sides_are_each_other_s_mirror() -> None:
    sides = rendered()
    assert sides.shape == (2, *crop.SIDE) and sides.dtype == np.float32
    assert sides.min() >= 0 and sides.max() <= 1
    differs = np.abs(sides[0] - sides[1]) > 1e-3
    assert differs.mean() < 0.01, differs.mean()  # rounding may put a voxel of the brain's edge in or out


@pytest.mark.usefixtures("exact")
def test_the_disease_darkens_the_side_of_the_focus_only() -> None:
    sick = replace(PLAIN, ratio=PLAIN.ratio | {"hippocampus_ipsi": 0.6})
    plain, changed = rendered(), rendered(sick)
    difference = np.abs(changed - plain).mean(axis=(1, 2, 3))
    assert difference[0] > 0.01 > 5 * difference[1]


def test_registration_error_and_noise_have_their_size() -> None:
    noisy = rendered(site=replace(QUIET, noise=0.05))
    assert 0 < np.abs(noisy - rendered()).mean() < 0.1
    moved = crop._mislaid(crop.CROP.world(), np.random.default_rng(1)) - crop.CROP.world()
    assert 0.1 < np.linalg.norm(moved, axis=0).mean() < 3


@pytest.mark.usefixtures("exact")
def test_the_whole_head_lies_on_the_grid_and_its_disease_to_the_right() -> None:
    grid, sick = GRIDS["mni-3mm"], replace(PLAIN, ratio=PLAIN.ratio | {"hippocampus_ipsi": 0.6})
    plain, changed = (
        crop.render_head(one, shape(one, None), QUIET, 1.0, np.random.default_rng(3), grid) for one in (PLAIN, sick)
    )
    assert plain.shape == grid.shape and plain.dtype == np.float32 and plain.min() == 0 and plain.max() == 1
    assert (plain == 0)[[0, -1]].all() and 0.3 < (plain > 0).mean() < 0.8
    assert (np.abs(plain - plain[::-1]) > 1e-3).mean() < 0.01
    left, right = np.split(np.abs(changed - plain), 2)
    assert right.sum() > 5 * left.sum() > 0
