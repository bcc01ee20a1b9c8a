"""The internal encoder tells scans apart, is the same for the same seed, and is trained once."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from tlesynth.data.cohort import read_cohort
from tlesynth.data.resampling import on_work
from tlesynth.evaluation import encoder
from tlesynth.evaluation.encoder import FILE, contrast, encoder_of, train
from tlesynth.volume import GRIDS

from .conftest import GRID, Run, head


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "STEPS", 25)
    monkeypatch.setattr(encoder, "BATCH", 4)


def test_twins_that_point_alike_cost_nothing() -> None:
    z = torch.eye(4)
    assert contrast(torch.cat([z, z])) < contrast(torch.cat([z, z.roll(1, 0)]))
    with torch.no_grad():
        alone = torch.exp(torch.tensor(5.0))
        assert contrast(torch.cat([z, z])) == pytest.approx(float(-torch.log(alone / (alone + 6))), rel=1e-4)


def test_it_tells_blurred_and_noisy_heads_apart_and_keeps_to_its_seed() -> None:
    rng = np.random.default_rng(0)
    volumes = np.stack([head(k, 0.05 * k).volume for k in range(4)])
    network = train(volumes, 1)
    found = np.stack([network.embed(v, GRID) for v in volumes])
    within = np.linalg.norm(found - found.mean(axis=0), axis=1).max()
    blurred = network.embed(gaussian_filter(volumes[0], 0.7), GRID)
    noisy = network.embed(volumes[0] + rng.normal(0, 0.1, GRID.shape).astype(np.float32), GRID)
    assert min(np.linalg.norm(other - found[0]) for other in (blurred, noisy)) > 2 * within
    assert found.shape == (4, 64)
    assert np.array_equal(found[0], train(volumes, 1).embed(volumes[0], GRID))
    assert not np.allclose(found[0], train(volumes, 2).embed(volumes[0], GRID))


def test_a_fine_grid_is_averaged() -> None:
    fine = np.random.default_rng(0).random(GRIDS["mni-1.5mm"].shape, np.float32)
    assert on_work(fine, GRIDS["mni-1.5mm"])[3, 5, 7] == pytest.approx(fine[6:8, 10:12, 14:16].mean(), rel=1e-5)


def test_it_is_kept_for_the_same_scans_alone(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cohort = read_cohort(run.derivatives)
    first = encoder_of(cohort, cohort.ids[:4], tmp_path, 1)
    assert first is not None
    written = (tmp_path / FILE).stat().st_mtime_ns
    second = encoder_of(cohort, cohort.ids[:4], tmp_path, 1)
    assert second is not None and (tmp_path / FILE).stat().st_mtime_ns == written
    volume = cohort.volume(cohort.ids[5])
    assert np.array_equal(first.embed(volume, GRID), second.embed(volume, GRID))
    encoder_of(cohort, cohort.ids[1:5], tmp_path, 1)
    assert (tmp_path / FILE).stat().st_mtime_ns != written


def test_three_scans_train_nothing(run: Run, tmp_path: Path) -> None:
    cohort = read_cohort(run.derivatives)
    assert encoder_of(cohort, cohort.ids[:3], tmp_path, 1) is None
