"""The quality row of a picture whose numbers are known."""

import numpy as np
import pytest

from tlesynth.data.preprocess.quality import measure
from tlesynth.data.template import load_template
from tlesynth.volume import GRIDS

GRID = GRIDS["mni-3mm"]


def test_known_tissue_gives_known_ratios() -> None:
    template = load_template(GRID)
    mask = template.mask > 0
    noise = np.random.default_rng(0).normal(0, 0.04, mask.shape)
    voxels = np.where(mask, 0.5 + 0.3 * (template.wm > 0.5) + noise, 0).astype(np.float32)
    quality = measure(voxels, mask, np.diag([1.0, 0.9, 1.1, 1.0]), 1500.0, GRID)
    assert quality.snr == pytest.approx(0.8 / 0.04, rel=0.05)
    assert quality.cnr == pytest.approx(0.3 / 0.04, rel=0.05)
    assert quality.cjv == pytest.approx(0.08 / 0.3, rel=0.05)
    assert quality.dice == 1
    assert quality.determinant == pytest.approx(0.99)
    assert quality.row()["mask_ml"] == 1500


def test_an_empty_picture_gives_zeros_and_no_error() -> None:
    empty = np.zeros(GRID.shape, np.float32)
    quality = measure(empty, empty > 0, np.eye(4), 0.0, GRID)
    assert (quality.snr, quality.cnr, quality.dice, quality.correlation) == (0, 0, 0, 0)
