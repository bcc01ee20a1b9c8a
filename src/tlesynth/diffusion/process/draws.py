"""Moments drawn in training, as fractions of the way from clean (0) to pure noise (1)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor


def uniform(n: int, generator: Generator) -> Tensor:
    """``n`` independent fractions (n,) float64."""
    return torch.rand(n, generator=generator, dtype=torch.float64)


def stratified(n: int, generator: Generator) -> Tensor:
    """``n`` fractions (n,) float64, one uniform in each of n equal parts, in random order.

    Each is uniform on its own; together they cover the way, so that a batch's loss varies less (Kingma et al.,
    arXiv 2107.00630).
    """
    parts = torch.randperm(n, generator=generator)
    return (parts + torch.rand(n, generator=generator, dtype=torch.float64)) / n


def logit_normal(n: int, generator: Generator) -> Tensor:
    """``n`` fractions (n,) float64 whose logits are N(0, 1): the middle of the way (Esser et al., arXiv 2403.03206).

    Stratified too: the logits are normal quantiles of one uniform in each of n equal parts.
    """
    return torch.sigmoid(torch.special.ndtri(stratified(n, generator)))


DRAWS: dict[str, Callable[[int, Generator], Tensor]] = {
    "uniform": uniform,
    "stratified": stratified,
    "logit_normal": logit_normal,
}
"""By the name that the recipe gives them (``Noise.draw``)."""
