"""Attention within boxes of the token grid (ViTDet's windows in 3D, as DiT-3D means them: arXiv 2307.01831, section 3).

A patch token looks at the patch tokens of its own box and at every condition token. A condition token looks at all
tokens: there is one set of them, not one a box, so they tell each box what the others hold.

Boxes that reach over the edge of the grid are filled up, and what fills them is never looked at. Shifted boxes start
half a side earlier (Swin, arXiv 2103.14030) without being wrapped around: what sticks out at one edge is a smaller box
of its own, which is what Swin's mask makes of it. An axis that one box covers is not shifted. So the result is that of
attention over all tokens with a mask of minus infinity between boxes.

Shapes: B batch, H heads, N patch tokens, K condition tokens (last), D width of a head, W boxes, L most tokens in one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange, repeat
from torch import Tensor, nn

from tlesynth.diffusion.transformer.kernels import attend
from tlesynth.diffusion.transformer.patches import Triple


@dataclass(frozen=True)
class Boxes:
    """Which tokens each box holds."""

    members: np.ndarray
    """(W, L): the token in each place of a box; 0 where there is none."""
    filled: np.ndarray
    """(W, L): whether there is one."""
    places: np.ndarray
    """(N,): the place of each token among the W * L."""


class WindowedAttention(nn.Module):
    """softmax(q k^T / sqrt(D)) v within the boxes of a token ``grid``; see above for condition tokens and edges."""

    members: Tensor
    filled: Tensor
    places: Tensor

    def __init__(self, grid: Triple, size: Triple, shifted: bool) -> None:
        super().__init__()
        boxes = boxes_of(grid, size, shifted)
        for name in ("members", "filled", "places"):
            self.register_buffer(name, torch.tensor(getattr(boxes, name)), persistent=False)
        self.all_filled = bool(boxes.filled.all())

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """(B, H, N + K, D) of queries, keys and values of that shape."""
        n, told = len(self.places), q.shape[2] - len(self.places)
        q_in, k_in, v_in = (self._in_boxes(t) for t in (q, k, v))  # (B W, H, L, D)
        if told:
            k_in, v_in = (
                torch.cat([inside, repeat(t[:, :, n:], "b h k d -> (b w) h k d", w=len(self.members))], dim=2)
                for inside, t in ((k_in, k), (v_in, v))
            )  # (B W, H, L + K, D)
        out = attend(q_in, k_in, v_in, self._seen(len(q), told))  # (B W, H, L, D)
        out = rearrange(out, "(b w) h l d -> b h (w l) d", b=len(q))[:, :, self.places]  # (B, H, N, D)
        return torch.cat([out, attend(q[:, :, n:], k, v)], dim=2) if told else out  # (B, H, N + K, D)

    def _in_boxes(self, t: Tensor) -> Tensor:
        return rearrange(t[:, :, self.members], "b h w l d -> (b w) h l d")

    def _seen(self, batch: int, told: int) -> Tensor | None:
        """(B W, 1, 1, L + K), or nothing if every box is full."""
        if self.all_filled:
            return None
        seen = torch.cat([self.filled, self.filled.new_ones(len(self.filled), told)], dim=1)
        return repeat(seen, "w m -> (b w) 1 1 m", b=batch)


def boxes_of(grid: Triple, size: Triple, shifted: bool) -> Boxes:
    """The boxes of ``size`` that a ``grid`` of tokens falls into, each axis cut after every side from its first cut."""
    box = np.zeros(grid, dtype=np.int64)
    for axis, (n, side) in enumerate(zip(grid, size, strict=True)):
        first = side // 2 if shifted and side < n else 0
        along = (np.arange(n) - first) // side + 1
        shape = [1, 1, 1]
        shape[axis] = n
        box = box * (along.max() + 1) + along.reshape(shape)
    _, owner, counts = np.unique(box.ravel(), return_inverse=True, return_counts=True)
    # Tokens sorted by box: the place within a box is the distance from where the box starts.
    order = np.argsort(owner, kind="stable")
    within = np.empty_like(owner)
    within[order] = np.arange(owner.size) - np.repeat(np.cumsum(counts) - counts, counts)
    members = np.zeros((counts.size, counts.max()), dtype=np.int64)
    filled = np.zeros(members.shape, dtype=bool)
    members[owner, within], filled[owner, within] = np.arange(owner.size), True
    return Boxes(members, filled, owner * members.shape[1] + within)
