"""A mirrored head has the same chance of TLE and the opposite side; both grids are read at the same size."""

import pytest
import torch

from tlesynth.classifier.two_sided import TwoSidedClassifier, field_on, mesial_network
from tlesynth.recipe import Cnn3d
from tlesynth.volume import GRIDS

SMALL = Cnn3d(width=4)
GRID = GRIDS["mni-3mm"]
HEADS = torch.rand(2, *GRID.shape, generator=torch.Generator().manual_seed(0))


def network(task: str, field: str = "temporal") -> TwoSidedClassifier:
    torch.manual_seed(0)
    return TwoSidedClassifier(SMALL, field_on(GRID, field), task).eval()  # ty: ignore[invalid-argument-type]


@pytest.mark.parametrize("field", ["temporal", "brain"])
@torch.no_grad()
def test_the_mirror_keeps_the_disease_and_turns_the_side(field: str) -> None:
    for task, sign in (("tle", 1), ("side", -1)):
        asked = network(task, field)
        assert torch.allclose(asked(HEADS.flip(1)), sign * asked(HEADS), atol=1e-5)
        assert asked(HEADS).abs().min() > 1e-4


@torch.no_grad()
def test_a_head_without_two_sides_has_no_side() -> None:
    even = (HEADS + HEADS.flip(1)) / 2
    assert network("side")(even).abs().max() < 1e-6


@torch.no_grad()
def test_only_the_field_is_seen() -> None:
    asked, changed = network("tle"), HEADS.clone()
    changed[:, :, GRID.index(1, 40) :] = 0  # the frontal lobes
    assert torch.equal(asked(changed), asked(HEADS))
    changed[:, :, GRID.index(1, -20) :] = 0
    assert not torch.equal(asked(changed), asked(HEADS))


def test_a_finer_grid_is_reduced_at_once() -> None:
    coarse, fine = (field_on(GRIDS[name], "temporal") for name in ("mni-3mm", "mni-1.5mm"))
    assert (coarse.stride, fine.stride) == (1, 2)
    for one, other in zip(coarse.slices, fine.slices, strict=True):
        assert abs(2 * (one.stop - one.start) - (other.stop - other.start)) <= 2


def test_the_mesial_network_cannot_tell_left_from_right() -> None:
    network = mesial_network().eval()
    sides = torch.rand(3, 2, 16, 24, 20)
    assert network(sides).shape == (3,)
    assert torch.allclose(network(sides), network(sides.flip(1)), atol=1e-6)
    changed = sides.clone()
    changed[:, 0] *= 0.5
    assert not torch.allclose(network(sides), network(changed), atol=1e-4)
