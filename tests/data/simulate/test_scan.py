"""The image model: pose and head size, contrast, noise, bias and the disease's signal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tlesynth.data.simulate import scan
from tlesynth.data.simulate.shape import shape
from tlesynth.data.simulate.subjects import FRAME, SOLVED, Latents
from tlesynth.data.template import load_template
from tlesynth.recipe import Simulate

SETTINGS = Simulate(voxel_mm=3.0, sites=4, bias_field=0.0, noise_scale=0.0)
PLAIN = Latents(
    icv_ml=1500,
    ratio={f"{name}_{where}": 1.0 for name in SOLVED for where in FRAME},
    horn_push=dict.fromkeys(FRAME, 0.0),
    signal=dict.fromkeys(FRAME, 0.0),
    pole_blur=dict.fromkeys(FRAME, 0.0),
)
GRID = scan.painting_grid(2.0)
NEUTRAL = scan.Site("site01", np.ones(3), 0.0, 0.0, 1.0, 30.0, 0.0, 0.0)


def acquired(site: scan.Site = NEUTRAL, settings: Simulate = SETTINGS, latents: Latents = PLAIN) -> np.ndarray:
    rng = np.random.default_rng(2)
    return scan.acquire(latents, shape(PLAIN, None), scan.draw_pose(latents.icv_ml, rng), site, settings, rng)


def test_the_pose_holds_the_head_size_exactly() -> None:
    pose = scan.draw_pose(1400.0, np.random.default_rng(0))
    assert pose.scale * scan.TEMPLATE_BRAIN_ML == pytest.approx(1400)
    brain_ml = (acquired(latents=replace(PLAIN, icv_ml=1400.0)) > 0).sum() * 27 / 1000
    assert brain_ml == pytest.approx(1400, rel=0.01)


def test_the_native_grid_is_its_own_mirror() -> None:
    for voxel_mm in (1.0, 2.0, 3.0):
        x = scan.native_grid(voxel_mm).world()[0]
        assert np.allclose(x, -x[::-1])


def test_white_is_brighter_than_grey_than_csf() -> None:
    voxels, template = acquired(), load_template(GRID)
    painted = scan.paint(PLAIN, GRID, np.ones(3))
    levels = [np.median(painted[t > 0.85 * t.max()]) for t in (template.csf, template.gm, template.wm)]
    assert levels[0] < levels[1] - 0.1 and levels[1] < levels[2] - 0.1
    assert voxels.dtype == np.int16 and 0.3 < (voxels == 0).mean() < 0.9
    assert 700 < np.percentile(voxels[voxels > 0], 95) < 1100


def test_the_brain_touches_no_edge() -> None:
    voxels = acquired(latents=replace(PLAIN, icv_ml=1880.0))
    for axis in range(3):
        assert not voxels.take([0, -1], axis=axis).any()


def test_noise_has_the_site_s_size() -> None:
    noisy = acquired(replace(NEUTRAL, noise=0.03))
    clean = acquired()
    white = clean > np.percentile(clean[clean > 0], 90)
    assert (noisy - clean)[white].std() == pytest.approx(30, rel=0.1)


def test_the_bias_field_has_the_recipe_s_size() -> None:
    biased, clean = acquired(settings=SETTINGS.model_copy(update={"bias_field": 0.1})), acquired()
    inside = clean > 300
    logs = np.log(biased[inside] / clean[inside])
    assert 0.03 < logs.std() < 0.2
    assert (
        np.abs(
            np.diff(np.log(np.where(inside, biased / np.maximum(clean, 1), 1)), axis=0)[inside[1:] & inside[:-1]]
        ).max()
        < 0.1
    )


def test_point_spread_blurs_without_darkening_the_edge() -> None:
    settings = SETTINGS.model_copy(update={"voxel_mm": 2.0})
    sharp, blurred = acquired(settings=settings), acquired(replace(NEUTRAL, blur_mm=4.0), settings)
    inside = sharp > 0
    assert np.array_equal(inside, blurred > 0)
    assert (
        np.diff(blurred.astype(float), axis=0)[inside[1:]].std()
        < 0.93 * np.diff(sharp.astype(float), axis=0)[inside[1:]].std()
    )
    assert blurred[inside].mean() == pytest.approx(sharp[inside].mean(), rel=0.03)


def test_signal_changes_only_the_hippocampus_of_its_side() -> None:
    before = scan.paint(PLAIN, GRID, np.ones(3))
    after = scan.paint(replace(PLAIN, signal={"ipsi": -0.05, "contra": 0.0}), GRID, np.ones(3))
    half = GRID.shape[0] // 2
    assert np.array_equal(before[:half], after[:half])  # ipsi is the right, +x
    assert ((after - before) / np.maximum(before, 0.1)).min() == pytest.approx(-0.05, abs=0.005)
    assert 0.001 < (after != before).mean() < 0.01


def test_network_effects_thin_cortex_and_blur_the_pole() -> None:
    thin, blur = scan.signs(replace(PLAIN, network=1.0, pole_blur={"ipsi": 0.2, "contra": 0.0}), GRID)
    assert thin.max() == pytest.approx(0.05 * 0.5, rel=0.05)
    where = np.unravel_index(np.argmax(blur), blur.shape)
    assert GRID.world()[:, *where] == pytest.approx(scan.POLE, abs=1.1)
    assert blur.max() == pytest.approx(0.2, rel=0.05)


def test_sites_differ_and_are_their_seed_s() -> None:
    first, again, other = (scan.draw_site(number, SETTINGS, 3) for number in (0, 0, 1))
    assert np.array_equal(first.tissue, again.tissue) and first.gamma == again.gamma != other.gamma
    assert other.name == "site02"


def test_control_sites_of_the_confounded_scenario_look_alike_and_unlike_the_others() -> None:
    settings = SETTINGS.model_copy(update={"scenario": "confounded", "noise_scale": 1.0})
    sites = [scan.draw_site(number, settings, 3) for number in range(4)]
    assert {s.blur_mm for s in sites[:2]} == {scan.CONTROL_SCANNER[2]} and {s.gamma for s in sites[:2]} == {1.0}
    balanced = scan.draw_site(2, settings.model_copy(update={"scenario": "balanced"}), 3)
    assert sites[2].blur_mm == balanced.blur_mm and np.array_equal(sites[2].tissue, balanced.tissue)


def test_the_pose_in_the_truth_is_that_of_the_scan_as_written() -> None:
    pose = scan.draw_pose(1500.0, np.random.default_rng(1))
    right, left = pose.numbers("right"), pose.numbers("left")
    assert right["to_mni_00"] == left["to_mni_00"] and right["to_mni_03"] == -left["to_mni_03"]
    assert right["to_mni_01"] == -left["to_mni_01"] and right["to_mni_12"] == left["to_mni_12"]
