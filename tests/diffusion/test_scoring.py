"""The energy distance: known answers in one dimension, no preference for a collapsed model, an error that is right."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from tlesynth.diffusion.scoring import Score, energy_distance, floor, score

SHAPE = (2, 8, 8, 8)


def of_numbers(numbers: list[float] | Tensor) -> Tensor:
    """Latents of one number each: they lie as far apart as the numbers."""
    return torch.as_tensor(numbers, dtype=torch.float32).reshape(-1, 1, 1, 1, 1).expand(-1, 1, 4, 4, 4)


def brains(n: int, seed: int) -> Tensor:
    """Draws from N(0, 1) in 16 coarse numbers: more than there are scans."""
    coarse = torch.randn(n, 2, 2, 2, 2, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(coarse, scale_factor=4)


def test_the_formula_by_hand() -> None:
    # E|x - y| = 10, E|x - x'| = 2, E|y - y'| = 4.
    assert energy_distance(of_numbers([0, 2]), of_numbers([9, 13])) == pytest.approx(2 * 10 - 2 - 4)


@pytest.mark.parametrize("by", [0.0, 0.5, 1.0, 10.0])
def test_a_shift_of_a_normal_distribution_costs_what_theory_says(by: float) -> None:
    quantiles = torch.special.ndtri((torch.arange(1000) + 0.5) / 1000)
    # x - y is N(by, 2), and E|N(m, 2)| = m erf(m / 2) + 2 / sqrt(pi) exp(-m^2 / 4).
    across = by * math.erf(by / 2) + 2 / math.sqrt(math.pi) * math.exp(-(by**2) / 4)
    expected = 2 * across - 4 / math.sqrt(math.pi)
    assert energy_distance(of_numbers(by + quantiles), of_numbers(quantiles)) == pytest.approx(expected, abs=5e-3)


def test_it_has_no_bias_even_with_few_draws() -> None:
    found = [energy_distance(brains(5, 2 * seed), brains(4, 2 * seed + 1)) for seed in range(200)]
    assert abs(np.mean(found)) < 3 * np.std(found) / len(found) ** 0.5 and 0.3 < np.mean(np.array(found) < 0) < 0.8


def test_a_collapsed_model_is_not_preferred_where_scans_are_few() -> None:
    fitted, real = brains(8, 0), brains(6, 1)
    mean = fitted.mean(0, keepdim=True).expand(8, *SHAPE)
    trainlike, collapsed = score(brains(8, 2), real), score(mean, real)
    assert collapsed.distance - trainlike.distance > 3 * collapsed.error(trainlike)
    assert collapsed.distance > 0.3 > abs(floor(fitted, real, 8, np.random.default_rng(0)))


def test_noise_of_single_voxels_is_no_diversity() -> None:
    noise = torch.randn(30, *SHAPE, generator=torch.Generator().manual_seed(0))
    assert energy_distance(noise, brains(30, 1)) > 0.3


def test_two_views_of_one_person_are_not_compared() -> None:
    drawn, people = of_numbers([0, 2]), [9, 13]
    # A person seen twice alike is that person once; E|y - y'| over views of one would be 8 / 3.
    assert energy_distance(drawn, of_numbers([*people, *people]), views=2) == pytest.approx(14)
    # 9 with 13 and 15, 11 with 13 and 15: E|y - y'| = 4, E|x - y| = 11.
    assert energy_distance(drawn, of_numbers([9, 13, 11, 15]), views=2) == pytest.approx(2 * 11 - 2 - 4)


@pytest.mark.parametrize("apart", [0.0, 4.0], ids=["one class", "classes"])
def test_the_error_of_a_difference_is_how_much_it_scatters(apart: float) -> None:
    random = torch.Generator().manual_seed(0)
    real = of_numbers(torch.randn(12, generator=random))
    condition = apart * torch.arange(24).div(8, rounding_mode="floor")  # as given: it does not scatter
    wide, narrow = [], []
    for _ in range(300):
        noise = torch.randn(24, generator=random)
        wide.append(score(of_numbers(condition + noise), real))
        narrow.append(score(of_numbers(0.5 * condition + 0.3 * noise), real))
    differences = [a.distance - b.distance for a, b in zip(wide, narrow, strict=True)]
    errors = [a.error(b) for a, b in zip(wide, narrow, strict=True)]
    assert np.mean(errors) == pytest.approx(np.std(differences), rel=0.15)


def test_the_error_of_a_difference_by_hand() -> None:
    one = Score(1.0, torch.tensor([0.0, 0.0, 8.0, 8.0]))
    assert one.error(one) == 0
    assert one.error(Score(1.0, torch.tensor([1.0, 1.0, 3.0, 3.0]))) == 0  # the conditions' doing
    # Twos of draws differ by 4: a variance of 8, of 4 draws; a fifth has no other beside it.
    assert one.error(Score(1.0, torch.tensor([-2.0, 2.0, 6.0, 10.0]))) == pytest.approx(2**0.5)
    odd = Score(1.0, torch.tensor([0.0, 4.0, 9.0]))
    assert odd.error(Score(1.0, torch.zeros(3))) == pytest.approx((8 / 3) ** 0.5)


def test_what_a_draw_adds_by_hand() -> None:
    # E|x - y| is 11 and 9, |x - x'| 2.
    assert score(of_numbers([0, 2]), of_numbers([9, 13])).influence.tolist() == pytest.approx([18, 14])


def test_the_floor_is_of_people_each_in_a_view_of_its_own() -> None:
    real = of_numbers([9, 13, 9, 13])
    # One person is 0 in both views, the other 1 or 2; for x, x' < 9 the distance is 18 - 2 max(x, x').
    floors = {
        floor(of_numbers([0, 1, 0, 2]), real, n, np.random.default_rng(seed), views=2, draws=1)
        for n in (2, 100)
        for seed in range(20)
    }
    assert sorted(floors) == pytest.approx([14, 16])
    assert floor(of_numbers([0, 1]), real[:2], 2, np.random.default_rng(0)) == pytest.approx(16)
