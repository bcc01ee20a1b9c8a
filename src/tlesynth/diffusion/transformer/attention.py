"""Self-attention of a block: global or within windows, its queries and keys normalised or not.

Shapes: B batch, N tokens, E width, H heads, D = E / H.
"""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from tlesynth.diffusion.transformer.kernels import attend
from tlesynth.diffusion.transformer.windows import WindowedAttention


class Attention(nn.Module):
    """Multi-head self-attention, (B, N, E) -> (B, N, E).

    Args:
        width: E.
        heads: H.
        qk_norm: queries and keys of unit root mean square in each head, times a learned gain (arXiv 2302.05442).
        windows: attention within boxes; none: over all tokens.
    """

    def __init__(self, width: int, heads: int, qk_norm: bool = False, windows: WindowedAttention | None = None) -> None:
        super().__init__()
        self.heads = heads
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.norm_queries = HeadNorm(width // heads) if qk_norm else nn.Identity()
        self.norm_keys = HeadNorm(width // heads) if qk_norm else nn.Identity()
        self.windows = windows
        self.project = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens attending to each other."""
        q, k, v = rearrange(self.queries_keys_values(x), "b n (three h d) -> three b h n d", three=3, h=self.heads)
        q, k = self.norm_queries(q), self.norm_keys(k)  # (B, H, N, D)
        x = attend(q, k, v) if self.windows is None else self.windows(q, k, v)  # (B, H, N, D)
        return self.project(rearrange(x, "b h n d -> b n (h d)"))  # (B, N, E)


class HeadNorm(nn.RMSNorm):
    """RMS normalisation with a gain, in float32 at least, given back in the precision that came in."""

    def __init__(self, width: int) -> None:
        super().__init__(width, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """(..., D) of unit root mean square, times the gain."""
        exact = torch.promote_types(x.dtype, torch.float32)
        assert self.weight is not None
        return F.rms_norm(x.to(exact), self.normalized_shape, self.weight.to(exact), self.eps).to(x.dtype)
