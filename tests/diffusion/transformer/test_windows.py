"""Windowed attention against brute force: all tokens, with minus infinity between boxes built from coordinates."""

import itertools
import math

import pytest
import torch
from torch import Tensor

from tlesynth.diffusion.transformer.windows import WindowedAttention, boxes_of

GRID = (7, 17, 7)
N = math.prod(GRID)
CASES = list(itertools.product([(4, 4, 4), (7, 6, 7), (3, 5, 2)], [False, True]))


def box_of(place: int, n: int, side: int, shifted: bool) -> int:
    """Which box of its axis a coordinate lies in, by walking along the axis."""
    cuts = range(side // 2 if shifted and side < n else side, n, side)
    return sum(place >= cut for cut in cuts)


def allowed(size: tuple[int, int, int], shifted: bool, told: int) -> Tensor:
    """(N + K, N + K): whether a token may look at another."""
    boxes = torch.tensor(
        [
            [box_of(p, n, side, shifted) for p, n, side in zip(place, GRID, size, strict=True)]
            for place in itertools.product(*map(range, GRID))
        ]
    )
    out = torch.ones(N + told, N + told, dtype=torch.bool)
    out[:N, :N] = (boxes[:, None] == boxes[None]).all(-1)
    return out


def brute_force(q: Tensor, k: Tensor, v: Tensor, may: Tensor) -> Tensor:
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    return scores.masked_fill(~may, -torch.inf).softmax(-1) @ v


def drawn(told: int, batch: int = 2) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(batch, 2, N + told, 8, generator=generator, dtype=torch.float64) for _ in "qkv"]


@pytest.mark.parametrize(("size", "shifted"), CASES)
@pytest.mark.parametrize("told", [0, 2])
def test_it_is_attention_with_minus_infinity_between_boxes(
    size: tuple[int, int, int], shifted: bool, told: int
) -> None:
    q, k, v = drawn(told)
    out = WindowedAttention(GRID, size, shifted)(q, k, v)
    assert torch.allclose(out, brute_force(q, k, v, allowed(size, shifted, told)), atol=1e-12)


@pytest.mark.parametrize(("size", "shifted"), CASES)
def test_in_bfloat16_too(size: tuple[int, int, int], shifted: bool) -> None:
    q, k, v = (t.bfloat16() for t in drawn(1))
    exact = brute_force(q.double(), k.double(), v.double(), allowed(size, shifted, 1))
    out = WindowedAttention(GRID, size, shifted)(q, k, v)
    assert (out.double() - exact).norm() / exact.norm() < 8e-3


@pytest.mark.parametrize(("size", "shifted"), CASES)
def test_what_fills_a_box_influences_nothing(size: tuple[int, int, int], shifted: bool) -> None:
    q, k, v = drawn(0, batch=1)
    attention = WindowedAttention(GRID, size, shifted)
    out = attention(q, k, v)
    assert out.isfinite().all()
    # Boxes are filled up with copies of token 0: were one looked at, a change of token 0 would reach its box.
    k[:, :, 0], v[:, :, 0] = 50.0, 1e6
    moved = (attention(q, k, v) != out).any(dim=1).any(dim=-1)[0]
    assert not moved[~allowed(size, shifted, 0)[0]].any() and moved[0]
    # And with any other token there, the result is the same bit for bit.
    before = attention(q, k, v)
    attention.members[~attention.filled] = 17
    assert torch.equal(attention(q, k, v), before)


@pytest.mark.parametrize("shifted", [False, True])
@pytest.mark.parametrize("size", [(7, 17, 7), (8, 20, 9)])
def test_a_box_that_covers_the_grid_is_global_attention(size: tuple[int, int, int], shifted: bool) -> None:
    q, k, v = drawn(1)
    everything = torch.ones(N + 1, N + 1, dtype=torch.bool)
    out = WindowedAttention(GRID, size, shifted)(q, k, v)
    assert torch.allclose(out, brute_force(q, k, v, everything), atol=1e-12)


def test_no_box_wraps_around() -> None:
    boxes = boxes_of((8, 1, 1), (4, 1, 1), shifted=True)
    held = [members[filled].tolist() for members, filled in zip(boxes.members, boxes.filled, strict=True)]
    assert held == [[0, 1], [2, 3, 4, 5], [6, 7]]


def test_every_token_has_one_place_and_it_is_its_own() -> None:
    boxes = boxes_of(GRID, (3, 5, 2), shifted=True)
    assert boxes.filled.sum() == N
    assert (boxes.members.ravel()[boxes.places] == range(N)).all()
    assert boxes.filled.ravel()[boxes.places].all()
