"""Variation of training volumes: laws of mirroring, moving, brightening and cropping."""

import math

import pytest
import torch

from tlesynth.recipe import Augmentation
from tlesynth.seeds import torch_generator
from tlesynth.training.augmentation import affine_matrices, boxes, cropped, moved, recoloured, resampled

SHAPE = (20, 24, 16)


def ball(centre: tuple[float, float, float] = (9.5, 11.5, 7.5), radius: float = 6.0) -> torch.Tensor:
    """A smooth ball (1, 1, X, Y, Z) around ``centre`` in voxels."""
    axes = [torch.arange(n) - c for n, c in zip(SHAPE, centre, strict=True)]
    r = torch.sqrt(axes[0].view(-1, 1, 1) ** 2 + axes[1].view(1, -1, 1) ** 2 + axes[2].view(1, 1, -1) ** 2)
    return ((1 - (r / radius) ** 2).clamp_min(0) ** 2)[None, None]


def centre_of(x: torch.Tensor) -> list[float]:
    """Centre of mass in voxels."""
    mass = x[0, 0]
    return [
        float((mass.sum([a for a in range(3) if a != axis]) * torch.arange(mass.shape[axis])).sum() / mass.sum())
        for axis in range(3)
    ]


def test_nothing_is_changed_by_default() -> None:
    x = ball()
    assert torch.equal(moved(x, Augmentation(), torch_generator(1, "a")), x)
    assert torch.equal(recoloured(x, Augmentation(), torch_generator(1, "a")), x)
    assert cropped(x, None, torch_generator(1, "a")) is x


def test_half_of_the_volumes_are_mirrored_and_nothing_else() -> None:
    x = ball((5.0, 11.5, 7.5)).expand(64, -1, -1, -1, -1)
    made = moved(x, Augmentation(flip=True), torch_generator(2, "flips"))
    mirrored = torch.tensor([torch.equal(a, b.flip(1)) for a, b in zip(made, x, strict=True)])
    kept = torch.tensor([torch.equal(a, b) for a, b in zip(made, x, strict=True)])
    assert bool((mirrored ^ kept).all()) and 20 < int(mirrored.sum()) < 44


def test_a_shift_moves_the_brain_by_its_millimetres() -> None:
    settings = Augmentation(affine_share=1, rotation_deg=0, scale=0, shift_mm=3)
    u = torch.zeros(1, 9)
    u[0, 6:9] = torch.tensor([1.0, -0.5, 0.25])
    shifted = resampled(ball(), affine_matrices(u, settings, SHAPE, 1.5))
    # What is read at +2 voxels appears at -2.
    assert centre_of(shifted) == pytest.approx([9.5 - 2, 11.5 + 1, 7.5 - 0.5], abs=0.02)


def test_a_rotation_turns_about_the_middle_and_keeps_distances() -> None:
    settings = Augmentation(affine_share=1, rotation_deg=15, scale=0, shift_mm=0)
    u = torch.zeros(1, 9)
    u[0, 2] = 1.0  # about z
    turned = centre_of(resampled(ball((14.5, 11.5, 7.5), 4.0), affine_matrices(u, settings, SHAPE, 1.5)))
    angle = math.radians(15)
    assert turned[0] == pytest.approx(9.5 + 5 * math.cos(angle), abs=0.05)
    assert abs(turned[1] - 11.5) == pytest.approx(5 * math.sin(angle), abs=0.05)
    assert turned[2] == pytest.approx(7.5, abs=0.02)


def test_a_change_of_size_changes_the_volume_by_its_cube() -> None:
    settings = Augmentation(affine_share=1, rotation_deg=0, scale=0.1, shift_mm=0)
    u = torch.zeros(1, 9)
    u[0, 3:6] = 1.0
    x = ball()
    smaller = resampled(x, affine_matrices(u, settings, SHAPE, 1.5))
    # Of so small a ball a trilinear grid misses up to 3 %; the square of the size would miss 9 %.
    assert float(x.sum() / smaller.sum()) == pytest.approx(1.1**3, rel=0.04)


@pytest.mark.parametrize("settings", [Augmentation(gain=0.3), Augmentation(gamma=0.3), Augmentation(affine_share=1)])
def test_background_stays_background_and_values_stay_in_range(settings: Augmentation) -> None:
    x = ball(radius=4).repeat(8, 1, 1, 1, 1)
    vary = moved if settings.affine_share else recoloured
    made = vary(x, settings, torch_generator(3, "range"))
    assert float(made.min()) == 0 and float(made.max()) <= 1 and not torch.equal(made, x)
    assert float(made[:, :, :2].max()) == 0
    assert torch.equal(made, vary(x, settings, torch_generator(3, "range")))


def test_mixed_precision_moves_volumes_to_the_same_places() -> None:
    settings = Augmentation(affine_share=1)
    exact = moved(ball(), settings, torch_generator(6, "autocast"))
    with torch.autocast("cpu", torch.bfloat16):
        mixed = moved(ball(), settings, torch_generator(6, "autocast"))
    assert torch.equal(mixed, exact)


def test_draws_do_not_depend_on_what_is_switched_on() -> None:
    one, two = torch_generator(4, "n"), torch_generator(4, "n")
    for vary in (moved, recoloured):
        vary(ball(), Augmentation(), one)
        vary(ball(), Augmentation(flip=True, affine_share=0.5, gain=0.1, gamma=0.1), two)
    assert torch.equal(torch.rand(3, generator=one), torch.rand(3, generator=two))


@pytest.mark.parametrize("sides", [(8, 8, 8), (20, 12, 4), None])
@pytest.mark.parametrize("affine_share", [0, 0.5])
def test_a_mirrored_box_is_the_box_of_the_mirrored_volume(
    sides: tuple[int, int, int] | None, affine_share: float
) -> None:
    x = torch.rand(24, 1, *SHAPE, generator=torch.Generator().manual_seed(1))
    x[:, :, :3] = 0  # off centre
    settings = Augmentation(flip=True, affine_share=affine_share)
    one, two = torch_generator(7, "boxes"), torch_generator(7, "boxes")
    made, wanted = boxes(x, settings, sides, one), cropped(moved(x, settings, two), sides, two)
    assert torch.equal(made, wanted) and made.stride() == wanted.stride()
    assert torch.equal(torch.rand(3, generator=one), torch.rand(3, generator=two))


def test_crops_have_their_sides_lie_in_the_brains_box_and_reach_both_ends_of_it() -> None:
    x = torch.zeros(1, 1, *SHAPE)
    x[:, :, 4:16, 2:22, 6:10] = torch.arange(12.0).view(-1, 1, 1) + 1
    draws = torch_generator(5, "crops")
    firsts = set()
    for _ in range(100):
        made = cropped(x, (8, 32, 8), draws)
        assert made.shape == (1, 1, 8, 24, 8)  # the second axis has only 24
        firsts.add(int(made[0, 0, 0].max()))
    # The first plane of a crop is one of the brain's planes 1 to 5: later ones would reach beyond its box.
    assert firsts == {1, 2, 3, 4, 5}
