"""Three tissues are found where there are three, whatever the contrast."""

import numpy as np
import pytest

from tlesynth.data.tissue_levels import Tissues, fit_tissues, tissue_shares


@pytest.mark.parametrize("means", [(0.25, 0.60, 0.85), (0.15, 0.45, 0.75)])
def test_known_means_are_found(means: tuple[float, float, float]) -> None:
    rng = np.random.default_rng(0)
    parts = [rng.normal(m, 0.04, n) for m, n in zip(means, (4000, 16000, 12000), strict=True)]
    found = fit_tissues(np.concatenate(parts))
    assert found is not None
    assert (found.csf, found.grey, found.white) == pytest.approx(means, abs=0.02)


def test_a_constant_or_tiny_sample_has_no_tissues() -> None:
    assert fit_tissues(np.full(5000, 0.5)) is None
    assert fit_tissues(np.linspace(0, 1, 100)) is None


def test_shares_are_mixtures_of_neighbouring_tissues_and_sum_to_the_brain() -> None:
    volume = np.array([0.0, 0.2, 0.4, 0.6, 0.7, 0.8, 1.0])
    csf, grey, white = tissue_shares(volume, Tissues(0.2, 0.6, 0.8))
    assert csf == pytest.approx([0, 1, 0.5, 0, 0, 0, 0])
    assert grey == pytest.approx([0, 0, 0.5, 1, 0.5, 0, 0])
    assert white == pytest.approx([0, 0, 0, 0, 0.5, 1, 1])
