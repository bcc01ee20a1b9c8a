"""FID on features of a stand-in network: the arithmetic is the closed form's, whatever the number of slices."""

import numpy as np
import pytest
import torch
from torch import nn

from tlesynth.evaluation.inception import (
    ALL,
    fid,
    fid_against_floor,
    fid_at_infinity,
    fid_interval,
    inception_features,
)
from tlesynth.metrics.statistics import Resampling

from .conftest import GRID, head


def how() -> Resampling:
    return Resampling(100, 0.95, np.random.default_rng(0))


def direct(a: np.ndarray, b: np.ndarray) -> float:
    from scipy.linalg import sqrtm

    x, y = np.cov(a.T), np.cov(b.T)
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(x + y - 2 * sqrtm(x @ y).real))


@pytest.mark.parametrize("size", [4, 60])
def test_fid_equals_the_matrix_root_with_few_and_with_many_slices(size: int) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(30, size)), rng.normal(0.5, 1.5, size=(40, size))
    assert fid(a, b) == pytest.approx(direct(a, b), rel=1e-3)
    assert fid(a, a) == pytest.approx(0, abs=1e-8)


def test_a_shifted_set_lies_above_its_floor() -> None:
    rng = np.random.default_rng(1)
    sets = [rng.normal(m, 1, (12, 5, 8)) for m in (1, 0, 0)]
    found = fid_against_floor(*sets, how())
    assert found["ratio"] > 3 and found["value"]["n"] == 24
    assert "not_computed" in fid_interval(sets[0], sets[1][:2], 12, how())
    free = fid_at_infinity(sets[0], sets[2], found["value"], how())
    assert 0 < free["value"] < found["value"]["value"]
    assert fid_at_infinity(sets[0], sets[2], {"not_computed": "why"}, how()) == {"not_computed": "why"}


def test_a_pair_of_equal_sets_is_at_zero_in_every_resample() -> None:
    x = np.random.default_rng(2).normal(size=(6, 4, 3))
    found = fid_interval(x, x, 6, how(), paired=True)
    assert found["value"] == pytest.approx(0, abs=1e-8) and found["high"] == pytest.approx(0, abs=1e-8)


class Means(nn.Module):
    """Stands for Inception: three figures of an image of bytes."""

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor]:
        assert images.dtype == torch.uint8 and images.shape[1] == 3
        values = images.float()
        return (torch.stack([values.mean((1, 2, 3)), values.amax((1, 2, 3)), values.std((1, 2, 3))], 1),)


def test_features_are_kept_by_plane_and_subject() -> None:
    found = inception_features((head(k).volume for k in range(2)), GRID, Means().to("cpu"))
    assert set(found) == {"sagittal", "coronal", "axial", ALL}
    assert found[ALL].shape[:2] == (2, GRID.shape[1])
    assert all(f.shape[0] == 2 and f.shape[2] == 3 for f in found.values())
    assert inception_features(iter([]), GRID, Means()) == {}
