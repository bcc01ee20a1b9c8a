"""Draws of training times: their distributions, and one in each part of a stratified batch."""

import math

import pytest
import torch

from tlesynth.diffusion.process.draws import DRAWS, logit_normal, stratified, uniform


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("n", [1, 7, 16])
def test_stratified_draws_hit_each_part_once_in_random_order(n: int) -> None:
    drawn = [stratified(n, seeded(seed)) for seed in range(20)]
    for fractions in drawn:
        assert (fractions * n).floor().sort().values.tolist() == list(range(n))
    assert n == 1 or len({tuple((f * n).floor().tolist()) for f in drawn}) > 1


def test_each_place_of_a_stratified_batch_is_uniform() -> None:
    firsts = torch.stack([stratified(4, seeded(seed))[0] for seed in range(4000)])
    assert torch.allclose(firsts.quantile(QUANTILES), QUANTILES, atol=0.03)


QUANTILES = torch.tensor([0.1, 0.25, 0.5, 0.75, 0.9], dtype=torch.float64)


def test_uniform_draws_have_uniform_quantiles() -> None:
    assert torch.allclose(uniform(20_000, seeded(0)).quantile(QUANTILES), QUANTILES, atol=0.015)


def test_logit_normal_draws_have_normal_logits_one_in_each_part() -> None:
    fractions = logit_normal(1000, seeded(0))
    logits = torch.logit(fractions)
    normal = torch.tensor([-1.2816, -0.6745, 0.0, 0.6745, 1.2816], dtype=torch.float64)
    assert torch.allclose(logits.quantile(QUANTILES), normal, atol=0.01)
    parts = 0.5 * (1 + torch.erf(logits / math.sqrt(2)))
    assert (parts * 1000).floor().sort().values.tolist() == list(range(1000))


@pytest.mark.parametrize("name", list(DRAWS))
def test_a_draw_follows_its_generator(name: str) -> None:
    assert torch.equal(DRAWS[name](9, seeded(1)), DRAWS[name](9, seeded(1)))
    assert not torch.equal(DRAWS[name](9, seeded(1)), DRAWS[name](9, seeded(2)))
