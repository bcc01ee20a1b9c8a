"""How far drawn latents lie from real ones: the energy distance (Szekely and Rizzo 2013) of coarse latents.

2 E|x - y| - E|x - x'| - E|y - y'|, with x and x' drawn, y and y' real, is 0 where both are distributed alike, and there
alone. The same brain again and again lies far, as it misses E|x - x'|. The estimate is unbiased: of sets that are alike
it comes out on either side of 0. Latents are averaged over boxes first: noise that belongs to no neighbour's vanishes.

Shapes: B drawn, V views of N people (as they are, mirrored), C channels, X Y Z latent voxels, D coarse numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

BOX = 4
"""Latent voxels a side."""


@dataclass(frozen=True)
class Score:
    """A distance and what each draw adds to it, (B,), up to a constant; two in turn have the same conditions."""

    distance: float
    influence: Tensor

    def error(self, other: Score) -> float:
        """The standard error of the difference to ``other``, drawn from the same noise under the same conditions.

        What two draws under the same conditions differ by is the noise's doing; conditions and real scans are as given.
        """
        difference = self.influence - other.influence
        first, second = difference[: len(difference) // 2 * 2].unflatten(0, (-1, 2)).unbind(1)
        variance = float((first - second).square().mean()) / 2
        return (variance / len(difference)) ** 0.5


def score(drawn: Tensor, real: Tensor, views: int = 1) -> Score:
    """``energy_distance`` with its influence function, 2 (E|x_i - y| - E|x_i - x'|): the first-order jackknife."""
    x, y = _coarse(drawn), _coarse(real)
    influence = torch.cdist(x, y).mean(1) - torch.cdist(x, x).sum(1) / (len(x) - 1)
    return Score(energy_distance(drawn, real, views), 2 * influence / x.shape[1] ** 0.5)


def energy_distance(drawn: Tensor, real: Tensor, views: int = 1) -> float:
    """The distance of ``drawn`` (B, C, X, Y, Z) to ``real`` (V N, C, X, Y, Z), |.| being a root mean square over D.

    ``real`` holds everyone's first view, then everyone's second; two views of one person are not compared.
    """
    x, y = _coarse(drawn), _coarse(real)
    return float(2 * torch.cdist(x, y).mean() - (_spread(x) + _spread(y, views))) / x.shape[1] ** 0.5


def floor(
    fitted: Tensor, real: Tensor, n: int, generator: np.random.Generator, *, views: int = 1, draws: int = 20
) -> float:
    """The distance of ``n`` training scans to ``real``, people and a view of each at random: the mean of ``draws``."""
    people = len(fitted) // views
    n = min(n, people)
    chosen = [
        generator.choice(people, n, replace=False) + people * generator.integers(views, size=n) for _ in range(draws)
    ]
    return float(np.mean([energy_distance(fitted[rows], real, views) for rows in chosen]))


def _spread(rows: Tensor, views: int = 1) -> Tensor:
    """E|y - y'| over different people of ``rows`` (V N, D)."""
    distances, people = torch.cdist(rows, rows), len(rows) // views
    of_one = sum(distances.diagonal(people * i).sum() for i in range(1 - views, views) if i)
    return (distances.sum() - of_one) / (len(rows) * (len(rows) - views))


def _coarse(latents: Tensor) -> Tensor:
    """Latents (B, C, X, Y, Z) averaged over boxes: (B, D)."""
    return torch.nn.functional.avg_pool3d(latents.float().cpu(), BOX, ceil_mode=True).flatten(1)
