"""Radiomic figures: named, finite, mirrored where they should be, and nearly the same on either grid."""

import numpy as np
import pytest

from tlesynth.evaluation.radiomics import FEATURES, NAMES, brain_box, radiomic_features, standardised
from tlesynth.volume import GRIDS

from .conftest import GRID, head


def test_every_figure_has_a_name() -> None:
    found = radiomic_features(head(0).volume, GRID)
    assert found.shape == (len(NAMES),) == (42,)
    assert len(set(NAMES)) == 42 and FEATURES.endswith("42")
    assert np.isfinite(found).all()


def test_first_order_figures_of_a_known_volume() -> None:
    volume = head(1).volume
    found = dict(zip(NAMES, radiomic_features(volume, GRID), strict=True))
    inside = volume[volume > 0]
    assert found["volume_l"] == pytest.approx(inside.size * 27 / 1e6, rel=0.01)
    assert found["mean"] == pytest.approx(inside.mean(), rel=0.01)
    assert found["p50"] == pytest.approx(np.median(inside), rel=0.01)


def test_the_mirror_swaps_left_and_right() -> None:
    volume = head(2, 0.3).volume
    one, other = (
        dict(zip(NAMES, radiomic_features(v, GRID), strict=True)) for v in (volume, np.ascontiguousarray(volume[::-1]))
    )
    assert one["mesial_left_mean"] == pytest.approx(other["mesial_right_mean"], rel=1e-4)
    assert one["mean_left_anterior_superior"] == pytest.approx(other["mean_right_anterior_superior"], rel=1e-4)
    assert one["mesial_asymmetry"] == pytest.approx(-other["mesial_asymmetry"], abs=1e-5)
    assert one["asymmetry"] == pytest.approx(other["asymmetry"], rel=1e-4)


def test_a_lost_hippocampus_changes_its_own_region_alone() -> None:
    whole, lost = (dict(zip(NAMES, radiomic_features(head(3, k).volume, GRID), strict=True)) for k in (0, 0.3))
    assert abs(lost["mesial_left_mean"] - whole["mesial_left_mean"]) > 0.003
    assert lost["mesial_right_mean"] == pytest.approx(whole["mesial_right_mean"], abs=5e-4)


def test_blur_lowers_detail() -> None:
    sharp = head(4).volume
    soft = (sharp + np.roll(sharp, 1, 0) + np.roll(sharp, 1, 1) + np.roll(sharp, 1, 2)) / 4 * (sharp > 0)
    a, b = (dict(zip(NAMES, radiomic_features(v, GRID), strict=True)) for v in (sharp, soft))
    assert b["detail_sd_2mm"] < a["detail_sd_2mm"] and b["step_x"] < a["step_x"]


def test_an_empty_volume_has_zeros() -> None:
    assert not radiomic_features(np.zeros(GRID.shape, np.float32), GRID).any()


def test_features_are_measured_in_standard_deviations_of_the_training_set() -> None:
    training = np.random.default_rng(0).normal(3, 2, (50, 4))
    scaled = standardised(training, training)
    assert scaled.mean(axis=0) == pytest.approx(0, abs=1e-9) and scaled.std(axis=0) == pytest.approx(1)
    assert standardised(np.full((1, 4), 1e9), training).max() == 10


@pytest.mark.parametrize("name", ["mni-3mm", "mni-1.5mm"])
def test_the_box_holds_every_brain(name: str) -> None:
    from tlesynth.data.template import load_template

    grid = GRIDS[name]
    mask = load_template(grid).mask > 0
    assert mask[brain_box(grid)].sum() == mask.sum()
