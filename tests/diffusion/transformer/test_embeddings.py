"""Positions in mm, the code of time, conditions: nulls that are learned and never computed with."""

import math

import pytest
import torch

from tlesynth.diffusion.conditions import Condition, Conditions
from tlesynth.diffusion.transformer.embeddings import ConditionEmbedding, TimeEmbedding, positions, waves_of

CONDITIONS = Conditions((Condition("group", ("hc", "tle")), Condition("age", low=20, high=70)))
NAN = math.nan


def test_positions_are_in_mm_and_mirror() -> None:
    code = positions((7, 17, 7), (24.0, 12.0, 24.0), 384)
    assert code.shape == (833, 384)
    assert torch.unique(code, dim=0).shape[0] == 833
    # The same place in mm has the same code on another token grid: the middle of the box, and 12 mm off it.
    assert torch.allclose(code.reshape(7, 17, 7, 384)[3, 8, 3], positions((1, 1, 1), (168.0, 204.0, 168.0), 384)[0])
    fine = positions((3, 3, 3), (12.0, 12.0, 12.0), 384).reshape(3, 3, 3, 384)
    assert torch.allclose(code.reshape(7, 17, 7, 384)[3, 9, 3], fine[1, 2, 1])
    # Left and right: the cosines agree and the sines change sign.
    left, right = (code.reshape(7, 17, 7, 384)[0, 8, 3, :128], code.reshape(7, 17, 7, 384)[6, 8, 3, :128])
    assert torch.allclose(left[:64], -right[:64], atol=1e-5) and torch.allclose(left[64:], right[64:], atol=1e-5)


def test_two_patch_sizes_agree_where_their_centres_do() -> None:
    # 28 x 34 x 28 voxels of 6 mm: the centre of a patch of (4, 2, 4) is that of the middle of three by (4, 2, 4) / 3.
    coarse = positions((7, 17, 7), (24.0, 12.0, 24.0), 96).reshape(7, 17, 7, 96)
    fine = positions((21, 51, 21), (8.0, 4.0, 8.0), 96).reshape(21, 51, 21, 96)
    assert torch.allclose(coarse, fine[1::3, 1::3, 1::3], atol=1e-6)


def test_waves_have_their_lengths() -> None:
    code = waves_of(torch.tensor([0.0, 1.0, 2.0]), torch.tensor([2.0, 4.0]))
    expected = [[0, 0, 1, 1], [0, 1, -1, 0], [0, 0, 1, -1]]
    assert torch.allclose(code, torch.tensor(expected, dtype=torch.float32), atol=1e-6)


def test_times_are_told_apart_and_a_flow_may_lie_between_steps() -> None:
    torch.manual_seed(0)
    embed = TimeEmbedding(48)
    steps = embed(torch.arange(1001))
    assert torch.cdist(steps, steps).fill_diagonal_(1).min() > 0
    assert torch.allclose(embed(torch.tensor([250.0])), steps[250:251])
    between = embed(torch.tensor([250.5]))
    assert not torch.equal(between, steps[250:251]) and not torch.equal(between, steps[251:252])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_vector_for_each_condition_and_a_null_of_its_own(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    embed = ConditionEmbedding(CONDITIONS, 48).to(dtype)
    told = embed(torch.tensor([[0.0, 0.2], [1.0, 0.2], [NAN, 0.9], [0.0, NAN]]))
    assert told.shape == (4, 2, 48) and told.dtype == dtype and told.isfinite().all()
    assert torch.equal(told[0, 0], told[3, 0]) and torch.equal(told[0, 1], told[1, 1])
    assert torch.unique(told[:, 0], dim=0).shape[0] == 3 and torch.unique(told[:, 1], dim=0).shape[0] == 3
    assert torch.equal(told[3, 1], embed.each[1].null)


def test_embeddings_start_at_002() -> None:
    torch.manual_seed(0)
    embed = ConditionEmbedding(CONDITIONS, 384)
    for vectors in (embed.each[0].table.weight, embed.each[1].null):
        assert vectors.std().item() == pytest.approx(0.02, rel=0.15)
    made = embed(torch.tensor([[0.0, 0.5]]))[0, 1]
    assert 0.002 < made.std() < 0.2


def test_every_null_is_trained_and_no_gradient_is_nan() -> None:
    torch.manual_seed(0)
    embed = ConditionEmbedding(CONDITIONS, 48)
    embed(CONDITIONS.null(3)).square().sum().backward()
    table, quantity = embed.each
    assert table.table.weight.grad[2].any() and not table.table.weight.grad[:2].any()
    assert quantity.null.grad.any()
    assert all(p.grad is None or p.grad.isfinite().all() for p in embed.parameters())
    assert not quantity.layers[0].weight.grad.any()


def test_a_quantity_is_smooth() -> None:
    torch.manual_seed(0)
    embed = ConditionEmbedding(CONDITIONS, 48)
    ages = torch.linspace(0, 1, 201)
    told = embed(torch.stack([torch.zeros(201), ages], dim=1))[:, 1]
    steps = (told[1:] - told[:-1]).norm(dim=1)
    assert steps.max() < 0.3 * (told - told.mean(0)).norm(dim=1).mean()


def test_the_number_of_columns_must_be_that_of_the_conditions() -> None:
    embed = ConditionEmbedding(CONDITIONS, 48)
    with pytest.raises(ValueError, match="zip"):
        embed(torch.zeros(2, 3))
