"""Attention by chunks is attention, needs little memory and lets gradients through."""

import math

import pytest
import torch

from tlesynth.diffusion.transformer import kernels
from tlesynth.diffusion.transformer.kernels import attend, attend_in_chunks, in_chunks
from tlesynth.training.footprint import footprint


def drawn(*sizes: tuple[int, ...]) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(size, generator=generator, dtype=torch.float64) for size in sizes]


def by_hand(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, seen: torch.Tensor | None = None) -> torch.Tensor:
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    if seen is not None:
        scores = scores.masked_fill(~seen, -torch.inf)
    return scores.softmax(-1) @ v


SEEN = torch.tensor([[True] * 9, [True, False, False] * 3]).reshape(2, 1, 1, 9)


@pytest.mark.parametrize("seen", [None, SEEN])
@pytest.mark.parametrize("scores", [1, 2 * 7 * 9, 2**21])
def test_chunks_give_attention_whatever_their_size(
    seen: torch.Tensor | None, scores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernels, "SCORES", scores)
    q, k, v = drawn((2, 3, 7, 4), (2, 3, 9, 4), (2, 3, 9, 4))
    assert torch.allclose(attend_in_chunks(q, k, v, seen), by_hand(q, k, v, seen), atol=1e-12)
    assert torch.allclose(attend(q, k, v, seen), by_hand(q, k, v, seen), atol=1e-12)


def test_gradients_go_through_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "SCORES", 63)
    tensors = [t.requires_grad_() for t in drawn((2, 2, 7, 4), (2, 2, 9, 4), (2, 2, 9, 4))]
    assert torch.autograd.gradcheck(lambda q, k, v: attend_in_chunks(q, k, v, SEEN), tensors)


def test_bfloat16_stays_within_its_rounding() -> None:
    q, k, v = drawn((1, 6, 200, 64), (1, 6, 200, 64), (1, 6, 200, 64))
    q, k, v = (t.bfloat16() for t in (q, k, v))
    exact = by_hand(q.double(), k.double(), v.double())
    for out in (attend_in_chunks(q, k, v), attend(q, k, v)):
        assert out.dtype == torch.bfloat16
        assert (out.double() - exact).norm() / exact.norm() < 8e-3


def test_chunks_never_hold_the_scores_of_all_heads() -> None:
    n, heads = 1200, 6
    q = torch.randn(1, heads, n, 16).bfloat16()
    with torch.no_grad():
        peak = footprint(lambda: attend_in_chunks(q, q, q)).peak
    one_head = n * n * 2
    # Scores and their softmax, of as many heads as fit in SCORES; here one.
    assert 2 * one_head <= peak < 2.5 * one_head


def test_the_choice_follows_the_processor_and_not_a_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    for tiles in (True, False):
        monkeypatch.setattr(kernels, "_has_tiles", lambda tiles=tiles: tiles)
        assert in_chunks(cpu, torch.bfloat16) is not tiles
        assert not in_chunks(cpu, torch.float32)
        assert not in_chunks(torch.device("cuda"), torch.bfloat16)
