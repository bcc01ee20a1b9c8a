"""What a signature is blind to, what it sees, and what stands out."""

import numpy as np
import pytest

from tlesynth.data.resampling import WORK, on_work
from tlesynth.privacy.likeness import intensities, reference_of, signature, standing_out, views
from tlesynth.volume import GRIDS

from .people import person

PEOPLE = range(8)


def similarities(scan: np.ndarray) -> np.ndarray:
    return reference_of(np.stack([signature(person(n)) for n in PEOPLE])).similarities(views(scan))


def test_a_scan_on_the_fine_grid_is_averaged_in_blocks() -> None:
    fine = GRIDS["mni-1.5mm"]
    volume = np.kron(person(0), np.ones((2, 2, 2), np.float32))
    assert volume.shape == fine.shape
    np.testing.assert_allclose(on_work(volume, fine), person(0), atol=1e-6)
    np.testing.assert_array_equal(on_work(person(0), WORK), person(0))


def test_a_scan_is_itself_and_nobody_else() -> None:
    found = similarities(person(3))
    assert found[3] == pytest.approx(1, abs=1e-4) and np.delete(found, 3).max() < 0.5


def test_gain_is_not_seen_at_all_and_gamma_hardly() -> None:
    np.testing.assert_allclose(similarities(0.5 * person(3)), similarities(person(3)), atol=1e-3)
    assert similarities(person(3) ** 1.4)[3] > 0.9


def test_mirrored_and_moved_scans_meet_their_own() -> None:
    assert similarities(person(3)[::-1])[3] == pytest.approx(1, abs=1e-4)
    assert similarities(np.roll(person(3), (1, -1, 1), (0, 1, 2)))[3] > 0.98


def test_the_mean_of_all_is_like_nobody() -> None:
    mean = np.mean([person(n) for n in PEOPLE], axis=0)
    assert standing_out(similarities(mean)) < 0.5 * standing_out(similarities(person(3)))


def test_one_of_many_stands_out_by_its_distance_in_deviations() -> None:
    few = np.array([-1.0, 0, 1, 10])
    assert standing_out(few) == pytest.approx((10 - 0.5) / (1.4826 * 1.0))
    assert standing_out(np.array([0.5, 0.5, 0.5])) == 0


def test_intensities_are_correlated_by_a_product() -> None:
    a, b = intensities(person(1)), intensities(0.3 * person(1))
    assert float(a @ b) == pytest.approx(1, abs=1e-5)
    assert float(a @ intensities(person(2))) < 0.99
