"""A mirrored head has the same chance of TLE and the opposite side; both grids are read at the same size."""

import pytest
import torch

from tlesynth.classifier.two_sided import FIELDS, TwoSided, TwoSidedClassifier, field_on
from tlesynth.recipe import Cnn3d
from tlesynth.volume import GRIDS

SMALL = Cnn3d(width=4)
GRID = GRIDS["mni-3mm"]
HEADS = torch.rand(2, *GRID.shape, generator=torch.Generator().manual_seed(0))


def network(task: str, field: str = "mesial") -> TwoSidedClassifier:
    torch.manual_seed(0)
    return TwoSidedClassifier(SMALL, field_on(GRID, field), task).eval()  # ty: ignore[invalid-argument-type]


@pytest.mark.parametrize("field", list(FIELDS))
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


@torch.no_grad()
def test_a_finer_grid_is_averaged_to_what_the_coarser_one_shows() -> None:
    coarse, fine = (TwoSidedClassifier(SMALL, field_on(GRIDS[n], "mesial"), "tle") for n in ("mni-3mm", "mni-1.5mm"))
    ramp = torch.linspace(0, 1, 112).view(1, -1, 1, 1).expand(1, 112, 136, 112)  # rises to the right
    shown, averaged = coarse.halves(ramp[:, ::2, ::2, ::2]), fine.halves(ramp)
    assert (coarse.field.block, fine.field.block) == (1, 2)
    assert all(abs(a - b) <= 1 for a, b in zip(shown.shape, averaged.shape, strict=True))
    assert torch.allclose(averaged.mean(dim=(2, 3, 4)), shown.mean(dim=(2, 3, 4)), atol=0.02)


def test_it_cannot_tell_left_from_right() -> None:
    network = TwoSided().eval()
    sides = torch.rand(3, 2, 16, 24, 20)
    assert network(sides).shape == (3,)
    assert torch.allclose(network(sides), network(sides.flip(1)), atol=1e-6)
    changed = sides.clone()
    changed[:, 0] *= 0.5
    assert not torch.allclose(network(sides), network(changed), atol=1e-4)
