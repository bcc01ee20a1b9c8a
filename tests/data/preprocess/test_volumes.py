"""Volumes of the template's own tissue are the template's, native is MNI times the determinant, sides are not mixed."""

import numpy as np
import pytest

from tlesynth.data.anatomy import hippocampus_mask
from tlesynth.data.preprocess.tissue import Tissues
from tlesynth.data.preprocess.volumes import by_jacobian, by_tissue
from tlesynth.data.template import load_template
from tlesynth.volume import GRIDS

GRID = GRIDS["mni-1.5mm"]
TEMPLATE = load_template(GRID)
TISSUES = Tissues(TEMPLATE.gm, TEMPLATE.wm, TEMPLATE.csf)


def test_the_template_measures_itself() -> None:
    found = by_tissue(TISSUES, TEMPLATE.mask > 0, GRID, 0.8)
    known = hippocampus_mask(TEMPLATE, GRID, "left").sum() * 1.5**3
    assert found["hippocampus_left_tissue_mni_mm3"] == pytest.approx(known, rel=1e-3)
    assert found["hippocampus_left_tissue_native_mm3"] == pytest.approx(0.8 * known, rel=1e-3)
    assert found["gm_mni_mm3"] == pytest.approx(1008e3, rel=0.02)
    assert found["brain_mni_mm3"] == pytest.approx(1886e3, rel=0.02)


def test_a_loss_on_the_left_is_a_loss_on_the_left() -> None:
    left = GRID.world()[0] < 0
    tissues = Tissues(TEMPLATE.gm * np.where(left, 0.7, 1), TEMPLATE.wm, TEMPLATE.csf)
    found = by_tissue(tissues, TEMPLATE.mask > 0, GRID, 1.0)
    ratio = found["hippocampus_left_tissue_mni_mm3"] / found["hippocampus_right_tissue_mni_mm3"]
    assert ratio == pytest.approx(0.7, abs=0.01)


def test_a_jacobian_of_a_half_halves_every_structure() -> None:
    whole = by_jacobian(np.ones(GRID.shape, np.float32), GRID, 0.8)
    half = by_jacobian(np.full(GRID.shape, 0.5, np.float32), GRID, 0.8)
    assert whole["hippocampus_right_jacobian_mni_mm3"] == pytest.approx(4600, rel=0.1)
    assert all(half[name] == pytest.approx(value / 2, abs=0.1) for name, value in whole.items())
