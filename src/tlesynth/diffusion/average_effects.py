"""What each condition does to a latent voxel on average: a linear model, as far as it is more than chance.

Few scans show what a condition does to a voxel, and a network learns so faint an effect last. A regression of every
voxel on the conditions finds it at once, with the noise of few people in it; that noise is expected to explain p / n
of the variance (p indicators, n people), and what is not more than that is taken away. The shrinkage is that of Stein
(1956) by neighbourhood: power explained and power left are averaged over boxes of ``NEIGHBOURS`` voxels first.

Where mirrored views are there, a person is two numbers a voxel: half the sum of both views, and half their difference.
What a side does lies in the difference alone, and a group's or an age's doing in the sum, so each is regressed on its
own: how people differ in what both halves of their brains share is no noise in what tells left from right.

Conditions explain in turn what those before them have not, numbers before categories, and each is shrunk on its own: a
measured hippocampal volume says far more about its voxels than a diagnosis does, and would be lost in the chance of
the latter.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from tlesynth.diffusion.conditions import Conditions
from tlesynth.diffusion.latents import Latents

NEIGHBOURS = 3
ROUNDING = 1e-6
RIDGE = 1e-3
"""Of the indicators' variance: those of one category sum to 0, so that without it their effects were not unique."""


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
    x, shape = centred(indicated, centre).double(), data.values.shape[1:]
    both_views = data.mirrored is not None and bool(data.mirrored.any())
    blocks = blocks_of(conditions)
    parts = [_fit_part(x, data, sign, shape, blocks) for sign in ((1, -1) if both_views else (1,))]
    effects, explained = (sum(of_part) for of_part in zip(*parts, strict=True))
    return AverageEffects(centre, effects.float().reshape(-1, *shape), explained.float().reshape(shape))


def regressed(among: Tensor, with_those: Tensor) -> Tensor:
    """Slopes (F, D) of D quantities on F indicators: their products ``among`` themselves (F, F) and ``with_those``
    (F, D), with a little ridge."""
    ridge = (RIDGE * among.diagonal().mean()).clamp_min(torch.finfo(among.dtype).tiny)
    return torch.linalg.solve(among + ridge * torch.eye(len(among), dtype=among.dtype), with_those)


def _fit_part(
    x: Tensor, data: Latents, sign: int, shape: tuple[int, ...], blocks: list[list[int]]
) -> tuple[Tensor, Tensor]:
    """Effects (F, D) and the variance (D,) they account for, in half the sum (``sign`` 1) of both views or half their
    difference (-1); ``x`` (N, F) are the centred indicators, and ``blocks`` those that explain together."""
    people = _people(data, sign)
    told = torch.stack([weights @ x[rows] for rows, weights in people])  # (people, F)
    # A difference is about 0 as it is: with both views in the sample everyone stands there the other way round too.
    told = told - told.mean(0) if sign > 0 else told
    with_voxels, total = _moments(told, people, data, centre=sign > 0)  # (F, D), (D,)
    with_each_other = told.T @ told / len(people)
    effects, unexplained = torch.zeros_like(with_voxels), total
    if (unspent := len(people) - 1 - _rank(with_each_other)) <= 0:
        return effects, torch.zeros_like(total)
    for block in blocks:
        among = with_each_other[block][:, block]
        beyond = with_voxels[block] - with_each_other[block] @ effects  # what the blocks before have left
        found = regressed(among, beyond)
        explained = (found * (among @ found)).sum(0).clamp_min(0)
        gain = 2 * (found * beyond).sum(0)
        left = (unexplained - gain + explained).clamp_min(0)
        kept = _beyond_chance(explained, left, _rank(among) / unspent, shape)
        effects[block] = kept * found
        unexplained = unexplained - kept * gain + kept.square() * explained
    return effects, (total - unexplained).clamp_min(0)


def _rank(among: Tensor) -> int:
    """Of covariances (F, F), what float32 conditions round to counted as nothing."""
    return int(torch.linalg.matrix_rank(among, rtol=ROUNDING, hermitian=True))


def blocks_of(conditions: Conditions) -> list[list[int]]:
    """The indicators (see ``indicators``) that explain together, in their order: a number with the one whose value it
    takes in the mirror, then the values of one category after the other."""
    first, at = {}, 0
    for item in conditions.items:
        first[item.name] = at
        at += len(item.values) or 1
    numbers: dict[frozenset[str], list[int]] = {}
    for item in conditions.items:
        if item.quantity:
            numbers.setdefault(frozenset({item.name, item.mirror_of or item.name}), []).append(first[item.name])
    categories = [item for item in conditions.items if not item.quantity]
    return [*numbers.values(), *([first[c.name] + i for i in range(len(c.values))] for c in categories)]


def _people(data: Latents, sign: int) -> list[tuple[Tensor, Tensor]]:
    """Each person's rows, and what each counts in the person's number: the copies of a view share its half."""
    mirrored = data.mirrored if data.mirrored is not None else torch.zeros(len(data), dtype=torch.bool)
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(data.ids):
        rows.setdefault(name, []).append(row)
    return [(torch.tensor(own), _counts(mirrored[own], sign)) for own in rows.values()]


def _counts(mirrored: Tensor, sign: int) -> Tensor:
    views = [(~mirrored).double(), mirrored.double()]
    if not (views[0].any() and views[1].any()):  # one view alone is the person: nothing is known of a difference
        return torch.full_like(views[0], 1 / len(mirrored) if sign > 0 else 0.0)
    return (views[0] / views[0].sum() + sign * views[1] / views[1].sum()) / 2


def _moments(
    told: Tensor, people: list[tuple[Tensor, Tensor]], data: Latents, *, centre: bool
) -> tuple[Tensor, Tensor]:
    """Covariance of what people are told (people, F) with every voxel (F, D), and the variance of the voxels (D,)."""
    size = data.values[0].numel()
    with_voxels, total, square = torch.zeros(told.shape[1], size).double(), *torch.zeros(2, size).double()
    for one, (rows, weights) in zip(told, people, strict=True):
        value = weights @ data.values[rows].flatten(1).cpu().double()  # (D,)
        with_voxels += one[:, None] * value
        total, square = total + value, square + value.square()
    mean = total / len(told) if centre else torch.zeros_like(total)
    return with_voxels / len(told), (square / len(told) - mean.square()).clamp_min(0)


def _beyond_chance(explained: Tensor, left: Tensor, chance: float, shape: tuple[int, ...]) -> Tensor:
    """The share (D,) of each voxel's effects that is kept; ``chance`` explains that part of what is left."""
    smooth = [
        F.avg_pool3d(power.reshape(1, *shape), NEIGHBOURS, 1, NEIGHBOURS // 2, count_include_pad=False).mean(1)
        for power in (explained, left)
    ]
    share = (1 - chance * smooth[1] / smooth[0].clamp_min(torch.finfo(torch.float64).tiny)).clamp(0, 1)  # (1, X, Y, Z)
    return share.expand(shape).flatten()
