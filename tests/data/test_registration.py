"""The template onto itself keeps every volume; a swollen blob is found to have swollen."""

import pytest
import torch

from tlesynth.data.registration import box, volume_ratio
from tlesynth.data.resampling import WORK

BOUNDS = ((-30, 30), (-30, 30), (-30, 30))


def blob(radius: float) -> torch.Tensor:
    """A bright ball on grey, (1, 1, X, Y, Z), one voxel of blur at its edge."""
    places = box(BOUNDS).places
    middle = torch.tensor([(n - 1) / 2 for n in places.shape[1:]]).reshape(3, 1, 1, 1)
    distance = ((places - middle) ** 2).sum(0).sqrt()
    return (0.4 + 0.4 * (radius - distance + 0.5).clamp(0, 1))[None, None]


def test_a_box_is_where_it_says() -> None:
    found = box(BOUNDS)
    low = [WORK.origin[a] + WORK.spacing * found.slices[a].start for a in range(3)]
    assert low == pytest.approx([-30, -30, -30], abs=1.5)
    assert found.places.shape[1:] == tuple(s.stop - s.start for s in found.slices)


def test_an_image_onto_itself_changes_no_volume() -> None:
    assert float((volume_ratio(blob(5), blob(5), box(BOUNDS)) - 1).abs().max()) < 1e-5


@pytest.mark.parametrize("radius", [4.5, 5.5])
def test_a_ball_of_another_size_is_measured(radius: float) -> None:
    ball = blob(5)[0, 0] > 0.6
    ratio = float(volume_ratio(blob(5), blob(radius), box(BOUNDS))[0][ball].mean())
    assert ratio == pytest.approx((radius / 5) ** 3, rel=0.12)
