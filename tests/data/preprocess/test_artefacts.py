"""Each measure of what spoils a scan has a picture whose value is known."""

import numpy as np
import pytest
from scipy import ndimage

from tlesynth.data.preprocess import artefacts
from tlesynth.volume import Volume

BOX = np.ones((48, 48, 48), bool)


def noise(sd: float = 1.0, shape: tuple[int, ...] = BOX.shape) -> np.ndarray:
    return np.random.default_rng(3).normal(0, sd, shape).astype(np.float32)


@pytest.mark.parametrize("sd", [0.01, 0.15])
def test_the_noise_of_a_smooth_picture_is_found(sd: float) -> None:
    slow = 1 + 0.05 * np.sin(np.indices(BOX.shape).sum(0) / 10)
    assert artefacts.noise_sd(slow + noise(sd), BOX, 1.0) == pytest.approx(sd, rel=0.08)


def test_another_tissue_its_border_and_what_is_outside_the_mask_do_not_count() -> None:
    two = np.where(np.indices(BOX.shape)[0] < 23, 1.0, 0.5 + noise(0.3))
    assert artefacts.noise_sd(two, BOX, 1.0) < 0.01
    half = np.indices(BOX.shape)[0] < 24
    assert artefacts.noise_sd(np.where(half, 1, 1 + noise(0.1)), half, 1.0) == 0
    assert artefacts.noise_sd(two, ~BOX, 1.0) == 0


@pytest.mark.parametrize("fwhm", [3.0, 5.0, 8.0])
def test_the_fwhm_of_gaussian_smoothed_noise_is_its_kernels(fwhm: float) -> None:
    smooth = ndimage.gaussian_filter(noise(shape=(64, 64, 64)), fwhm / 2.3548 / 1.5, mode="wrap")
    assert artefacts.fwhm_mm(smooth, np.ones(smooth.shape, bool), 1.5) == pytest.approx(fwhm, rel=0.06)


def test_white_noise_and_nothing_have_no_smoothness() -> None:
    assert artefacts.fwhm_mm(noise(), BOX, 1.5) < 1
    assert artefacts.fwhm_mm(np.zeros(BOX.shape), BOX, 1.5) == 0


def test_flattening_parts_slow_from_fast() -> None:
    ramp = np.indices(BOX.shape)[0] / 48
    slow, fast = artefacts.flattened(1 + ramp + noise(0.05), BOX, 4)
    inner = (slice(12, -12),) * 3
    assert np.abs(slow - 1 - ramp)[inner].max() < 0.02
    assert fast[inner].std() == pytest.approx(0.05, rel=0.05)


def test_shading_is_the_variation_of_a_slow_field() -> None:
    field = 1 + 0.2 * np.sin(np.indices((96, 96, 96))[1] / 96 * 2 * np.pi)
    shaded = artefacts.shading((field + noise(0.05, field.shape)).astype(np.float32), field > 0, 2.0)
    assert shaded == pytest.approx(0.2 / np.sqrt(2), rel=0.2)
    assert artefacts.shading(np.ones(field.shape, np.float32), field > 0, 2.0) < 1e-5


def ball(shape: tuple[int, int, int] = (64, 64, 64), radius: float = 26) -> np.ndarray:
    points = np.indices(shape).astype(float) - (np.array(shape).reshape(3, 1, 1, 1) - 1) / 2
    return (points**2).sum(0) < radius**2


def test_a_whole_ball_has_no_flat_end_and_half_of_one_has_its_section() -> None:
    whole = ball()
    assert artefacts.cut_cm2(whole, 2.0, np.eye(4), np.eye(3)) < 6
    half = whole.copy()
    half[:, :, 32:] = False
    section = np.pi * 52**2 / 100
    assert artefacts.cut_cm2(half, 2.0, np.eye(4), np.eye(3)) == pytest.approx(section, rel=0.08)


def test_a_cut_along_a_tilted_scans_own_axis_is_found_in_its_own_size() -> None:
    x, _, z = np.indices((64, 64, 64)) - 31.5
    tilted = ball() & (np.sin(0.3) * x + np.cos(0.3) * z < 0)
    axes = np.array([[np.cos(0.3), 0, np.sin(0.3)], [0, 1, 0], [-np.sin(0.3), 0, np.cos(0.3)]])
    smaller = np.diag([0.9, 0.9, 0.9, 1.0])
    section = np.pi * (52 * 0.9) ** 2 / 100
    assert artefacts.cut_cm2(tilted, 2.0, smaller, axes) == pytest.approx(section, rel=0.1)
    assert artefacts.cut_cm2(tilted, 2.0, smaller, np.eye(3)) < 0.5 * section


def head(ghost: float, shift: int, axis: int = 1) -> Volume:
    clean = np.where(ball((64, 80, 64), 22), 100.0, 0)
    clean[ball((64, 80, 64), 17)] = 60
    voxels = clean + ghost * np.roll(clean, shift, axis) + np.abs(noise(2, clean.shape))
    return Volume(voxels.astype(np.float32), np.diag([4.0, 4.0, 4.0, 1.0]))


@pytest.mark.parametrize("shift", [40, 25, -25])
@pytest.mark.parametrize("amount", [0.05, 0.15])
def test_a_planted_ghost_is_found_with_its_share(amount: float, shift: int) -> None:
    assert artefacts.ghost_in_air(head(0, shift)) < 0.02
    assert artefacts.ghost_in_air(head(amount, shift)) == pytest.approx(amount, abs=0.03)


def test_a_scan_without_air_or_signal_has_no_ghost() -> None:
    assert artefacts.ghost_in_air(Volume(np.zeros((32, 32, 32), np.float32), np.eye(4) * 4)) == 0
    assert artefacts.ghost_in_air(Volume(np.ones((32, 32, 32), np.float32), np.eye(4) * 4)) == 0


def test_a_ghost_inside_the_white_matter_is_found_where_there_is_no_air() -> None:
    brain = ball((64, 80, 64), 28)
    white = ball((64, 80, 64), 24)
    clean = np.where(brain, 0.6, 0) + 0.3 * white
    scores = []
    for amount in (0.0, 0.2):
        voxels = (np.where(brain, clean + amount * np.roll(clean, 30, 1), 0) + brain * noise(0.02, clean.shape)).astype(
            np.float32
        )
        left = np.where(white, voxels - 0.9, 0)
        scores.append(artefacts.ghost_in_white_matter(left, voxels, white, 3.0))
    assert scores[0] < 0.03 and scores[1] > 0.1


def test_block_means_keep_the_mean() -> None:
    values = noise(shape=(9, 8, 7))
    assert artefacts.block_means(values, (2, 2, 2)).shape == (4, 4, 3)
    assert artefacts.block_means(values, (4, 4, 3))[0, 0, 0] == pytest.approx(values[:4, :4, :3].mean(), abs=1e-6)
