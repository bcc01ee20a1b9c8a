"""Self-attention of a block: the formula, normalised queries and keys, and that it keeps its precision."""

import math

import pytest
import torch
from einops import rearrange

from tlesynth.diffusion.transformer.attention import Attention, HeadNorm
from tlesynth.diffusion.transformer.windows import WindowedAttention


def attention(**changes: object) -> Attention:
    torch.manual_seed(0)
    return Attention(24, 3, **changes).double()  # ty: ignore[invalid-argument-type]


def test_it_is_multi_head_attention() -> None:
    ours, x = attention(), torch.randn(2, 5, 24, dtype=torch.float64)
    theirs = torch.nn.MultiheadAttention(24, 3, batch_first=True).double()
    theirs.in_proj_weight.data, theirs.in_proj_bias.data = (
        ours.queries_keys_values.weight.data,
        ours.queries_keys_values.bias.data,
    )
    theirs.out_proj.load_state_dict(ours.project.state_dict())
    assert torch.allclose(ours(x), theirs(x, x, x)[0], atol=1e-12)


def test_queries_and_keys_are_normalised_in_each_head_with_a_gain() -> None:
    ours, x = attention(qk_norm=True), torch.randn(1, 5, 24, dtype=torch.float64)
    torch.nn.init.uniform_(ours.norm_queries.weight, 0.5, 2)
    torch.nn.init.uniform_(ours.norm_keys.weight, 0.5, 2)
    q, k, v = rearrange(ours.queries_keys_values(x), "b n (t h d) -> t b h n d", t=3, h=3)
    q, k = (
        gain * t / (t.square().mean(-1, keepdim=True) + 1e-6).sqrt()
        for t, gain in ((q, ours.norm_queries.weight), (k, ours.norm_keys.weight))
    )
    out = (q @ k.transpose(-1, -2) / math.sqrt(8)).softmax(-1) @ v
    assert torch.allclose(ours(x), ours.project(rearrange(out, "b h n d -> b n (h d)")), atol=1e-12)


def test_with_normalised_queries_and_keys_their_size_does_not_matter() -> None:
    ours, x = attention(qk_norm=True), torch.randn(1, 5, 24, dtype=torch.float64)
    before = ours(x)
    with torch.no_grad():
        for parameter in ours.queries_keys_values.parameters():
            parameter[:48] *= 100
    assert torch.allclose(ours(x), before, atol=1e-4)


def test_permuting_tokens_permutes_the_result() -> None:
    ours, x = attention(), torch.randn(2, 6, 24, dtype=torch.float64)
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    assert torch.allclose(ours(x[:, order]), ours(x)[:, order], atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_a_norm_keeps_precision_and_loses_little(dtype: torch.dtype) -> None:
    norm, x = HeadNorm(64).to(dtype), 1e-3 * torch.randn(4, 7, 64).to(dtype)
    out = norm(x)
    assert out.dtype == dtype
    exact = x.double() / (x.double().square().mean(-1, keepdim=True) + 1e-6).sqrt()
    assert (out.double() - exact).abs().max() <= 4 * torch.finfo(dtype).eps


@pytest.mark.parametrize("qk_norm", [False, True])
@pytest.mark.parametrize("windows", [None, WindowedAttention((2, 3, 2), (2, 2, 2), True)])
def test_bfloat16_weights_and_autocast(qk_norm: bool, windows: WindowedAttention | None) -> None:
    ours, x = attention(qk_norm=qk_norm, windows=windows), torch.randn(1, 13, 24, dtype=torch.float64)
    exact = ours(x)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = ours.float()(x.float())
    half = ours.bfloat16()(x.bfloat16())
    for out in (mixed, half):
        assert out.dtype == torch.bfloat16
        assert (out.double() - exact).norm() / exact.norm() < 1e-2
