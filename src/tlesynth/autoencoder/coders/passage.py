"""Passing a tensor through a row of blocks, with or without keeping what the backward pass needs.

Kept, a block's inner activations fill most of the memory of a training step. Computed again, a step takes about a third
longer and the gradients are the same up to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

Passage = Callable[[Iterable[nn.Module], Tensor], Tensor]


def passage(checkpoint_activations: bool) -> Passage:
    """The way through the blocks of a coder that the recipe chose."""
    return recomputing if checkpoint_activations else keeping


def keeping(blocks: Iterable[nn.Module], x: Tensor) -> Tensor:
    """``x`` through ``blocks``, every activation kept for the backward pass."""
    for block in blocks:
        x = block(x)
    return x


def recomputing(blocks: Iterable[nn.Module], x: Tensor) -> Tensor:
    """``x`` through ``blocks``, only their inputs kept; each block runs again in the backward pass."""
    for block in blocks:
        # No block draws random numbers, so their state need not be put back.
        x = checkpoint(block, x, use_reentrant=False, preserve_rng_state=False)
    return x
