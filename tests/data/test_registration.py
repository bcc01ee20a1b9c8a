"""The template onto itself keeps every volume; a swollen blob is found to have swollen, whatever its contrast."""

import pytest
import torch

from tlesynth.data.registration import Box, box, carried, register, volume_ratio
from tlesynth.data.resampling import WORK
from tlesynth.volume import GRIDS

BOUNDS = ((-30, 30), (-30, 30), (-30, 30))
BOX = box(BOUNDS, WORK)
FINE = box(((-15, 15), (-15, 15), (-15, 15)), GRIDS["mni-1.5mm"])


def blob(radius: float, within: Box = BOX) -> torch.Tensor:
    """A bright ball on grey, (1, 1, X, Y, Z), one voxel of blur at its edge."""
    places = torch.stack(torch.meshgrid(*[torch.arange(n) - (n - 1) / 2 for n in within.shape], indexing="ij"))
    distance = (places**2).sum(0).sqrt()
    return (0.4 + 0.4 * (radius - distance + 0.5).clamp(0, 1))[None, None]


def test_a_box_is_where_it_says() -> None:
    low = [WORK.origin[a] + WORK.spacing * BOX.slices[a].start for a in range(3)]
    assert low == pytest.approx([-30, -30, -30], abs=1.5)
    assert BOX.shape == tuple(s.stop - s.start for s in BOX.slices)


@pytest.mark.parametrize("within", [BOX, FINE])
def test_an_image_onto_itself_changes_no_volume(within: Box) -> None:
    found = register(blob(5, within), blob(5, within), within)
    assert float((volume_ratio(found) - 1).abs().max()) < 1e-3


@pytest.mark.parametrize("within", [BOX, FINE])
@pytest.mark.parametrize("radius", [4.5, 5.5])
def test_a_ball_of_another_size_is_measured(radius: float, within: Box) -> None:
    ball = blob(5, within)[0, 0] > 0.6
    found = register(blob(5, within), blob(radius, within), within)
    assert float(volume_ratio(found)[0][ball].mean()) == pytest.approx((radius / 5) ** 3, rel=0.12)


def test_the_jacobian_counts_what_the_warped_mask_holds() -> None:
    """Carried onto the template and multiplied by the Jacobian, a mask of the scan keeps its volume."""
    found = register(blob(5), blob(5.5), BOX)
    mask = (blob(5.5) - 0.4) / 0.4
    assert float((carried(mask, found)[:, 0] * volume_ratio(found)).sum()) == pytest.approx(float(mask.sum()), rel=0.03)


def test_contrast_and_shading_change_no_volume() -> None:
    shaded = blob(5.5) * torch.linspace(0.8, 1.1, BOX.shape[0])[:, None, None] * 0.7
    mask = blob(5) > 0.6
    plain, other = (
        float((mask[:, 0] * volume_ratio(register(blob(5), scan, BOX))).sum()) for scan in (blob(5.5), shaded)
    )
    assert plain > 1.1 * float(mask.sum())  # the swelling is seen
    assert other == pytest.approx(plain, rel=0.02)
