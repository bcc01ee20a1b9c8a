"""How attention is computed on this machine: the same mathematics, by the faster routine.

Which routine runs follows from what the processor can do, never from a stopwatch: two runs on one machine give the same
bits.

Shapes: B batch, H heads, N queries, M keys, D width of a head.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

SCORES = 2**21
"""Most attention scores computed at a time: three heads of the paper's 834 tokens, which the cache still holds."""


def attend(q: Tensor, k: Tensor, v: Tensor, seen: Tensor | None = None) -> Tensor:
    """softmax(q k^T / sqrt(D)) v: (B, H, N, D) of queries (B, H, N, D), keys and values (B, H, M, D).

    ``seen`` (B, 1, 1, M), if given, is true for the keys that may be looked at; each row has at least one.
    """
    if in_chunks(q.device, q.dtype):
        return attend_in_chunks(q, k, v, seen)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=seen)


def in_chunks(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether attention is done by ``attend_in_chunks``: in bfloat16 on a processor without matrix tiles (AMX).

    PyTorch's fused kernel for the CPU is there no faster in bfloat16 than in float32, and plain products are.
    """
    return device.type == "cpu" and dtype == torch.bfloat16 and not _has_tiles()


def attend_in_chunks(q: Tensor, k: Tensor, v: Tensor, seen: Tensor | None = None) -> Tensor:
    """``attend`` by plain matrix products over a few heads at a time; autograd goes through it.

    At most ``SCORES`` scores (one head's, if those are more) exist at once. Training keeps each chunk's softmax for
    the backward pass.
    """
    (b, h, n, d), m = q.shape, k.shape[2]
    heads = max(1, SCORES // (n * m))
    parts = [t.reshape(b * h, -1, d).split(heads) for t in (q, k, v)]
    if seen is None:
        hidden, beta = [q.new_zeros(1, 1, 1)] * len(parts[0]), 0
    else:
        bias = torch.zeros_like(seen, dtype=q.dtype).masked_fill(~seen, -torch.inf)  # (B, 1, 1, M)
        hidden, beta = bias.expand(b, h, 1, m).reshape(b * h, 1, m).split(heads), 1
    out = []
    with torch.autocast("cpu", enabled=False):
        for q_, k_, v_, hidden_ in zip(*parts, hidden, strict=True):
            scores = torch.baddbmm(hidden_, q_, k_.transpose(1, 2), beta=beta, alpha=d**-0.5)  # (heads, N, M)
            out.append(torch.bmm(scores.softmax(-1), v_))  # (heads, N, D)
    return torch.cat(out).reshape(b, h, n, d)


@cache
def _has_tiles() -> bool:
    return bool(torch.cpu.get_capabilities().get("amx_bf16", False))
