"""Tissue contrast of phantoms whose means and noise are known."""

import numpy as np
import pytest

from tlesynth.data.preprocess.contrast import Contrast, tissue_contrast
from tlesynth.data.template import load_template
from tlesynth.volume import GRIDS

TEMPLATE = load_template(GRIDS["mni-3mm"])
MASK = TEMPLATE.mask > 0


def phantom(white: float, grey: float, noise: float, shift: int = 0) -> np.ndarray:
    labels = np.argmax(np.stack([TEMPLATE.csf, TEMPLATE.gm, TEMPLATE.wm]), axis=0)
    tissue = np.choose(np.roll(labels, shift, 1), [0.1, grey, white])
    return np.where(MASK, tissue + np.random.default_rng(0).normal(0, noise, MASK.shape), 0).astype(np.float32)


@pytest.mark.parametrize("shift", [0, 1])
@pytest.mark.parametrize(("white", "grey"), [(0.85, 0.55), (0.45, 0.75)])
def test_means_and_noise_are_found_whichever_is_brighter_and_a_voxel_off(white: float, grey: float, shift: int) -> None:
    found = tissue_contrast(phantom(white, grey, 0.04, shift), MASK, TEMPLATE)
    assert found.white == pytest.approx(white, abs=0.01)
    assert found.grey == pytest.approx(grey, abs=0.01)
    assert found.white_sd == pytest.approx(0.04, rel=0.12)
    assert found.grey_sd == pytest.approx(0.04, rel=0.12)


def test_a_scan_without_the_tissues_gives_zeros() -> None:
    assert tissue_contrast(np.zeros(MASK.shape, np.float32), np.zeros_like(MASK), TEMPLATE) == Contrast()


def test_a_constant_brain_is_no_error() -> None:
    found = tissue_contrast(MASK.astype(np.float32) / 2, MASK, TEMPLATE)
    assert found.white_sd == found.grey_sd == 0
