"""What conditions do on average: a planted effect is found where it is, and chance alone is not taken for one."""

import math

import pytest
import torch
from torch import Tensor

from tlesynth.diffusion.average_effects import blocks_of, centred, fit_effects, indicators
from tlesynth.diffusion.conditions import NULL, Condition, Conditions
from tlesynth.diffusion.latents import Latents
from tlesynth.diffusion.preconditioning import Preconditioned

from .gaussian import process

SHAPE = (2, 8, 8, 8)
CONDITIONS = Conditions(
    (
        Condition("group", ("hc", "tle")),
        Condition("side", ("left", "right"), mirror=(("left", "right"), ("right", "left"))),
        Condition("age", low=20.0, high=70.0),
    )
)
HERE = (slice(None), slice(0, 3), slice(0, 3), slice(0, 3))
THERE = (slice(None), slice(5, 8), slice(5, 8), slice(5, 8))


def people(n: int, seed: int = 0) -> Tensor:
    """Conditions (n, 3): a third each healthy, left and right; one in ten does not tell the age."""
    generator = torch.Generator().manual_seed(seed)
    group = torch.tensor([0.0, 1.0, 1.0]).repeat(n)[:n]
    side = torch.tensor([NULL, 0.0, 1.0]).repeat(n)[:n]
    age = torch.rand(n, generator=generator)
    age[::10] = NULL
    return torch.stack([group, side, age], 1)


def cohort(n: int, effect: float, copies: int = 1) -> Latents:
    """Noise of unit variance; left TLE lowers ``HERE`` by ``effect``, each 50 years raise ``THERE`` by it."""
    told = people(n)
    values = torch.randn(n, *SHAPE, generator=torch.Generator().manual_seed(1))
    values[(slice(None), *HERE)] -= effect * (told[:, 1] == 0).float().reshape(-1, 1, 1, 1, 1)
    values[(slice(None), *THERE)] += effect * told[:, 2].nan_to_num(nan=0.5).reshape(-1, 1, 1, 1, 1)
    return Latents(values.half().repeat(copies, 1, 1, 1, 1), told.repeat(copies, 1), tuple(map(str, range(n))) * copies)


def under(data: Latents, **asked: str) -> Tensor:
    """The mean latents under conditions, about those under none."""
    network = Preconditioned(torch.nn.Identity(), process("flow"), SHAPE, CONDITIONS)
    network.measure_on(data)
    return network.mean_under(CONDITIONS.asked([asked], "test"))[0] - network.mean


def test_indicators_are_one_for_what_is_told_and_null_says_nothing() -> None:
    found = indicators(CONDITIONS, CONDITIONS.asked([{"group": "tle", "side": "left", "age": 45}, {}], "test"))
    assert found[0].tolist() == [0, 1, 1, 0, 0.5] and bool(found[1].isnan().all())
    assert centred(found, torch.full((5,), 0.25))[1].tolist() == [0.0] * 5


def test_a_planted_effect_is_found_where_it_is() -> None:
    data = cohort(240, effect=2.0)
    gap = under(data, group="tle", side="left") - under(data, group="tle", side="right")
    assert gap[HERE].mean().item() == pytest.approx(-2.0, abs=0.15)
    assert gap[THERE].abs().mean() < 0.2  # chance stays where anything is beyond it: the side is told by 160 people
    assert gap[:, 3:5, 3:5, 3:5].abs().mean() < 0.05
    aged = under(data, age="70") - under(data, age="20")
    assert aged[THERE].mean().item() == pytest.approx(2.0, abs=0.2) and aged[HERE].abs().mean() < 0.3
    assert bool((under(data) == 0).all())


def test_chance_is_not_taken_for_an_effect() -> None:
    data = cohort(30, effect=0.0)
    raw = data.values.float()
    left, right = (raw[data.conditions[:, 1] == side].mean(0) for side in (0.0, 1.0))
    gap = under(data, group="tle", side="left") - under(data, group="tle", side="right")
    assert gap.square().mean() < 0.1 * (left - right).square().mean()


def test_copies_of_people_are_no_new_people() -> None:
    once, often = (fit_effects(cohort(30, effect=1.0, copies=k), CONDITIONS) for k in (1, 8))
    assert torch.allclose(once.effects, often.effects, atol=1e-4)


def heads(n: int, effect: float, *, both_views: bool = True) -> Latents:
    """People who differ twenty times more in what both halves share than between the halves; the latents of a mirrored
    head are the mirrored latents here. Left TLE lowers the left of the box, right TLE the right, by ``effect``."""
    told, generator = people(n), torch.Generator().manual_seed(2)
    told[:, 2] = NULL
    shared = torch.randn(n, *SHAPE, generator=generator)
    values = (shared + shared.flip(2)) * 0.7 + 0.2 * torch.randn(n, *SHAPE, generator=generator)
    values[:, :, 0] -= effect * (told[:, 1] == 0).float().reshape(-1, 1, 1, 1)
    values[:, :, -1] -= effect * (told[:, 1] == 1).float().reshape(-1, 1, 1, 1)
    if not both_views:
        return Latents(values.half(), told, tuple(map(str, range(n))))
    both = torch.cat([values, values.flip(2)]).half()
    mirrored = torch.arange(2 * n) >= n
    return Latents(both, torch.cat([told, CONDITIONS.mirrored(told)]), tuple(map(str, range(n))) * 2, None, mirrored)


def test_with_both_views_a_side_is_found_in_few_people() -> None:
    def lost(data: Latents) -> float:
        gap = under(data, group="tle", side="left") - under(data, group="tle", side="right")
        return (gap[:, -1].mean() - gap[:, 0].mean()).item() / 2

    assert lost(heads(45, 0.3)) == pytest.approx(0.3, abs=0.05)
    assert lost(heads(45, 0.3, both_views=False)) < 0.15  # from as many people, the shared differences still in
    assert abs(lost(heads(45, 0.0))) < 0.05


def test_the_effects_of_mirrored_sides_are_mirror_images() -> None:
    data = heads(45, 0.3)
    left, right = (under(data, group="tle", side=side) for side in ("left", "right"))
    assert torch.allclose(left, right.flip(1), atol=1e-3) and left.abs().max() > 0.2


VOLUMES = Conditions(
    (
        *CONDITIONS.items,
        Condition("left_mm3", low=0.0, high=1.0, mirror_of="right_mm3"),
        Condition("right_mm3", low=0.0, high=1.0, mirror_of="left_mm3"),
    )
)


def test_numbers_explain_before_categories_and_with_their_mirror_image() -> None:
    assert blocks_of(VOLUMES) == [[4], [5, 6], [0, 1], [2, 3]]
    assert blocks_of(Conditions(CONDITIONS.items[:1])) == [[0, 1]]


def test_what_a_volume_does_is_not_lost_in_the_chance_of_a_diagnosis() -> None:
    """A volume brightens its half, whoever has it; a side says no more than its mean volume does."""
    n, generator = 90, torch.Generator().manual_seed(3)
    told = torch.cat([people(n), 0.1 + 0.9 * torch.rand(n, 2, generator=generator)], 1)
    told[:, 2] = NULL
    told[:, 4] -= 0.1 * (told[:, 1] == 0)
    told[:, 3] -= 0.1 * (told[:, 1] == 1)
    values = torch.randn(n, *SHAPE, generator=generator)
    values[:, :, :3] += 3 * told[:, 3].reshape(-1, 1, 1, 1, 1)
    values[:, :, 5:] += 3 * told[:, 4].reshape(-1, 1, 1, 1, 1)
    both = torch.cat([values, values.flip(2)]).half()
    mirrored = torch.arange(2 * n) >= n
    ids = tuple(map(str, range(n))) * 2
    data = Latents(both, torch.cat([told, VOLUMES.mirrored(told)]), ids, None, mirrored)
    found = fit_effects(data, VOLUMES)
    left, right = found.effects[5], found.effects[6]
    assert (left - right)[:, 0].mean().item() == pytest.approx(3, abs=0.4)
    assert torch.allclose(left, right.flip(1), atol=1e-3)
    assert (left - right)[:, 3:5].abs().mean() < 0.5


def test_as_few_people_as_indicators_show_nothing() -> None:
    assert not bool(fit_effects(cohort(4, effect=5.0), CONDITIONS).effects.any())


def test_the_variance_left_is_that_about_the_conditional_mean() -> None:
    data = cohort(240, effect=3.0)
    network = Preconditioned(torch.nn.Identity(), process("flow"), SHAPE, CONDITIONS)
    network.measure_on(data)
    about = data.values.float() - network.mean_under(data.conditions)
    assert torch.allclose(network.variance, about.var(0, correction=0), rtol=0.05, atol=0.02)
    assert network.variance[HERE].mean() < 0.6 * data.voxelwise()[1][HERE].mean()


def test_a_missing_value_everywhere_changes_nothing() -> None:
    data = cohort(60, effect=1.0)
    blank = Latents(data.values, torch.full_like(data.conditions, math.nan), data.ids)
    found = fit_effects(blank, CONDITIONS)
    assert not bool(found.effects.any()) and not bool(found.centre.any())
