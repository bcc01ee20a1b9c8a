"""What each condition does to a latent voxel on average: a linear model, as far as it is more than chance.

Few scans show what a condition does to a voxel, and a network learns so faint an effect last. A regression of every
voxel on the conditions finds it at once, with the noise of few people in it; that noise is expected to explain p / n
of the variance (p indicators, n people), and what is not more than that is taken away. The shrinkage is that of Stein
(1956) by neighbourhood: power explained and power left are averaged over boxes of ``NEIGHBOURS`` voxels first.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from tlesynth.diffusion.conditions import Conditions
from tlesynth.diffusion.latents import Latents

NEIGHBOURS = 3
RIDGE = 1e-3
"""Of a scan's weight: indicators of one category sum to 0, so that without it their effects were not unique."""


@dataclass(frozen=True)
class AverageEffects:
    """What ``fit_effects`` found; F indicators (see ``indicators``)."""

    centre: Tensor
    """(F,): the training scans' mean of each indicator, those left out to whom nothing was told."""
    effects: Tensor
    """(F, C, X, Y, Z) of an indicator's move by 1."""
    explained: Tensor
    """(C, X, Y, Z): the variance over training scans that the effects account for."""


def indicators(conditions: Conditions, told: Tensor) -> Tensor:
    """Conditions (N, K) as numbers (N, F): 1 or 0 for each value of a category, a quantity itself; null is NaN."""
    columns = []
    for column, item in enumerate(conditions.items):
        number = told[:, column : column + 1]  # (N, 1)
        values = torch.arange(len(item.values), device=told.device)
        columns.append(number if item.quantity else (number == values).where(~number.isnan(), torch.nan))
    return torch.cat(columns, 1).float()


def centred(indicated: Tensor, centre: Tensor) -> Tensor:
    """Indicators (N, F) about their ``centre`` (F,); what is null is at the centre: it says nothing."""
    return (indicated - centre).nan_to_num(nan=0.0)


def fit_effects(data: Latents, conditions: Conditions) -> AverageEffects:
    """The average effects in training latents; mirrored and moved copies are no new people."""
    indicated = indicators(conditions, data.conditions.cpu())
    centre = indicated.nanmean(0).nan_to_num(nan=0.0)
    x = centred(indicated, centre).double()
    x = x - x.mean(0)
    n, people = len(data), len(set(data.ids))
    with_voxels, total = _moments(x, data)  # (F, D), (D,)
    with_each_other = x.T @ x / n
    effects = torch.linalg.solve(with_each_other + RIDGE * torch.eye(len(centre), dtype=x.dtype), with_voxels)
    explained = (effects * (with_each_other @ effects)).sum(0).clamp_min(0)
    left = (total - 2 * (effects * with_voxels).sum(0) + explained).clamp_min(0)
    rank = int(torch.linalg.matrix_rank(with_each_other))
    shape = data.values.shape[1:]
    kept = _beyond_chance(explained, left, rank, people, shape)
    accounted = (2 * kept - kept.square()) * explained
    return AverageEffects(centre, (kept * effects).float().reshape(-1, *shape), accounted.float().reshape(shape))


def _moments(x: Tensor, data: Latents) -> tuple[Tensor, Tensor]:
    """Covariance of the indicators ``x`` (N, F) with every voxel (F, D), and the variance of the voxels (D,)."""
    size = data.values[0].numel()
    with_voxels, total, square = torch.zeros(x.shape[1], size).double(), *torch.zeros(2, size).double()
    for row in range(len(data)):
        value = data.values[row].flatten().cpu().double()
        with_voxels += x[row, :, None] * value
        total, square = total + value, square + value.square()
    return with_voxels / len(data), (square / len(data) - (total / len(data)).square()).clamp_min(0)


def _beyond_chance(explained: Tensor, left: Tensor, rank: int, people: int, shape: tuple[int, ...]) -> Tensor:
    """The share (D,) of each voxel's effects that is kept."""
    if people <= rank + 1:
        return torch.zeros_like(explained)
    smooth = [
        F.avg_pool3d(power.reshape(1, *shape), NEIGHBOURS, 1, NEIGHBOURS // 2, count_include_pad=False).mean(1)
        for power in (explained, left)
    ]
    by_chance = rank / (people - 1 - rank) * smooth[1]
    share = (1 - by_chance / smooth[0].clamp_min(torch.finfo(torch.float64).tiny)).clamp(0, 1)  # (1, X, Y, Z)
    return share.expand(shape).flatten()
