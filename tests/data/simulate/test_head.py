"""Planting into one head whose anatomy is known: the template itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tlesynth.data.simulate import subjects
from tlesynth.data.simulate.head import Planted, plant
from tlesynth.data.simulate.shape import shape
from tlesynth.data.template import load_template
from tlesynth.recipe import Simulate
from tlesynth.volume import GRIDS, Volume

GRID = GRIDS["mni-3mm"]
SETTINGS = Simulate(severity_scale=1.5)
RIGHT = subjects.Assignment("sub-01", "tle", "right", "yes", 30.0, "M", 0)


def head() -> Volume:
    template = load_template(GRID)
    return Volume(np.rint(1000 * template.t1 * template.mask).astype(np.float32), GRID.affine)


def planted(side: str, settings: Simulate = SETTINGS, *, sham: bool = True) -> Planted:
    latents = subjects.draw_planted(replace(RIGHT, side=side), settings, 2)
    if not sham:
        latents = replace(latents, ratio=dict.fromkeys(latents.ratio, 1.0))
    brain = load_template(GRID).mask > 0
    return plant(head(), brain, np.eye(4), latents, shape(latents, None), side)


def test_left_is_the_mirror_of_right() -> None:
    left, right = planted("left"), planted("right")
    assert left.voxels == pytest.approx(right.voxels[::-1], abs=0.5)
    assert left.jacobian == pytest.approx(right.jacobian[::-1], abs=1e-3)


def test_the_native_integral_is_the_loss_drawn() -> None:
    drawn = subjects.draw_planted(RIGHT, SETTINGS, 2).ratio
    made = planted("right")
    for side, where in (("right", "ipsi"), ("left", "contra")):
        region = made.hippocampus[side]
        ratio = (region * made.jacobian).sum() / region.sum()
        assert ratio == pytest.approx(drawn[f"hippocampus_{where}"], abs=0.03)


def test_only_the_region_is_interpolated() -> None:
    made, source = planted("right"), head().voxels
    assert np.array_equal(made.voxels == 0, source == 0) or (made.voxels[source == 0] == 0).all()
    elsewhere = (GRID.world()[1] < -95) | (GRID.world()[1] > 60)  # no place of thinning reaches so far
    assert np.abs(made.voxels - source)[elsewhere].max() < 2
    changed = made.voxels[GRID.world()[0] > 0] != source[GRID.world()[0] > 0]
    assert changed.sum() > 300


def test_with_no_severity_and_no_sham_the_head_is_untouched() -> None:
    made = planted("right", SETTINGS.model_copy(update={"severity_scale": 0.0}), sham=False)
    assert np.array_equal(made.voxels, head().voxels)
    assert made.jacobian == pytest.approx(1.0, abs=1e-5)
