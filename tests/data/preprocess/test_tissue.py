"""Tissue maps find the template's own tissues again, sum to one in the brain, and are the same bytes twice."""

import numpy as np
import pytest

from tlesynth.data.preprocess.tissue import Tissues, estimated, segmented
from tlesynth.data.template import load_template
from tlesynth.errors import TlesynthError
from tlesynth.volume import GRIDS

GRID = GRIDS["mni-3mm"]


@pytest.fixture(scope="module")
def t1() -> np.ndarray:
    template = load_template(GRID)
    clean = 0.2 * template.csf + 0.6 * template.gm + 0.9 * template.wm
    noise = np.random.default_rng(0).normal(0, 0.02, clean.shape)
    return np.where(template.mask > 0, np.clip(clean + noise, 0, 1), 0).astype(np.float32)


def overlap(found: Tissues) -> list[float]:
    template = load_template(GRID)
    pairs = [(found.gm, template.gm), (found.wm, template.wm), (found.csf, template.csf)]
    return [float(np.corrcoef(a[template.mask > 0], b[template.mask > 0])[0, 1]) for a, b in pairs]


def test_atropos_finds_the_tissues_and_repeats_itself(t1: np.ndarray) -> None:
    mask = load_template(GRID).mask > 0
    found = segmented(t1, mask, GRID)
    assert min(overlap(found)) > 0.85, overlap(found)
    total = found.gm + found.wm + found.csf
    assert np.allclose(total[mask], 1, atol=1e-4)
    assert total[~mask].max() == 0
    again = segmented(t1, mask, GRID)
    assert [v.tobytes() for v in again.maps().values()] == [v.tobytes() for v in found.maps().values()]


def test_a_quick_guess_is_linear_between_the_tissues_levels(t1: np.ndarray) -> None:
    mask = load_template(GRID).mask > 0
    found = estimated(t1, mask, GRID)
    assert found is not None
    assert min(overlap(found)) > 0.85, overlap(found)
    assert np.allclose((found.gm + found.wm + found.csf)[mask], 1, atol=1e-5)


def test_a_scan_without_t1_contrast_has_no_quick_guess(t1: np.ndarray) -> None:
    mask = load_template(GRID).mask > 0
    assert estimated(np.where(mask, 1 - t1, 0), mask, GRID) is None


def test_atropos_refuses_an_empty_brain(t1: np.ndarray) -> None:
    with pytest.raises(TlesynthError) as caught:
        segmented(np.zeros_like(t1), np.zeros(t1.shape, bool), GRID)
    assert caught.value.code == "REG-003"
