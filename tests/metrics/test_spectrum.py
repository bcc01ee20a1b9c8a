"""Known spectra: a plane wave lies in one band, white noise in all alike; a planted grid is found, none is not."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from tlesynth.metrics.spectrum import BANDS, axis_power, band_names, band_power, grid_artefacts, grid_excess

from ..evaluation.conftest import head

SHAPE = (56, 68, 56)


def test_a_wave_has_its_power_in_its_band() -> None:
    x = np.arange(SHAPE[0])[:, None, None]
    power = band_power(np.broadcast_to(np.cos(2 * np.pi * 8 / 56 * x), SHAPE))  # 1/7 cycles per voxel
    assert power.argmax() == np.digitize(1 / 7, BANDS) - 1
    assert np.delete(power, power.argmax()).max() < 1e-6 * power.max()


def test_white_noise_has_the_same_power_in_every_band() -> None:
    power = band_power(np.random.default_rng(0).standard_normal(SHAPE))
    assert power[5:] / np.prod(SHAPE) == pytest.approx(np.ones(len(BANDS) - 6), rel=0.05)


def test_smoothing_takes_the_power_its_transfer_function_says() -> None:
    noise = np.random.default_rng(1).standard_normal(SHAPE)
    ratio = band_power(gaussian_filter(noise, 1.0, mode="wrap")) / band_power(noise)
    # The transfer function of a Gaussian of 1 voxel is exp(-(2 pi f)^2 / 2); squared, and averaged over each shell.
    f = np.linspace(BANDS[:-1], BANDS[1:], 200)
    expected = (f**2 * np.exp(-((2 * np.pi * f) ** 2))).sum(axis=0) / (f**2).sum(axis=0)
    assert 10 * np.log10(ratio[2:-1]) == pytest.approx(10 * np.log10(expected[2:-1]), abs=0.5)


def blurred(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A head and what is left of it after smoothing: an error of 0.07 in the brain, without any grid."""
    volume = head(seed).volume
    return volume, gaussian_filter(volume, 1.0) * (volume > 0)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_clean_reconstruction_shows_no_grid(seed: int) -> None:
    volume, smooth = blurred(seed)
    noise = gaussian_filter(np.random.default_rng(seed).standard_normal(volume.shape), 0.7) * (volume > 0)
    for error in (smooth - volume, smooth - volume + 0.02 * noise, noise):
        assert max(grid_artefacts(error).values()) < 1


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("period", [4, 2])
def test_a_planted_grid_is_found_on_its_axis_alone(axis: int, period: int) -> None:
    volume, smooth = blurred(2)
    place = np.arange(volume.shape[axis]).reshape([-1 if a == axis else 1 for a in range(3)])
    stripes = 0.04 * np.cos(2 * np.pi * place / period) * (volume > 0)
    found = grid_artefacts(smooth + stripes - volume)
    clean = grid_artefacts(smooth - volume)
    for key, excess in found.items():
        assert excess > 6 if key == ("xyz"[axis], period) else abs(excess - clean[key]) < 1


def test_a_checkerboard_of_4_voxels_is_found_on_every_axis() -> None:
    volume, smooth = blurred(3)
    x, y, z = np.indices(volume.shape) // 2 % 2
    board = 0.04 * np.where((x + y + z) % 2, 1, -1) * (volume > 0)
    found = grid_artefacts(smooth + board - volume)
    assert all(found[axis, 4] > 6 for axis in "xyz")


def test_the_excess_is_the_ratio_to_the_neighbours() -> None:
    power = np.ones(29)
    power[14] = 10
    assert grid_excess(power, 56, 4) == pytest.approx(10) and grid_excess(power, 56, 2) == pytest.approx(0)
    falling = 10 ** (-np.arange(29) / 10.0)
    assert grid_excess(falling, 56, 4) == pytest.approx(0, abs=1e-9)
    with pytest.raises(ValueError, match="does not divide"):
        grid_excess(power, 58, 4)


def test_an_axis_has_its_own_power() -> None:
    x = np.arange(SHAPE[0])[:, None, None]
    wave = np.broadcast_to(np.cos(np.pi * x / 2), SHAPE)
    assert axis_power(wave, 0).argmax() == 14 and axis_power(wave, 1).argmax() == 0
    assert len(band_names()) == len(BANDS) - 1
