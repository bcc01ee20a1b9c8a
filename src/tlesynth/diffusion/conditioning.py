"""The classes a latent is conditioned on: the index of each, the null class, the mirror image, class dropout.

The null class is the paper's "class dropout" embedding. It stands for "no condition": guidance needs it, and a patient
whose side nobody wrote down takes it under ``group-side``.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor

NAMES = {"group": ("hc", "tle"), "group-side": ("hc", "tle-left", "tle-right")}
"""Class names by the recipe's ``diffusion.network.classes``."""

MIRROR = {"tle-left": "tle-right", "tle-right": "tle-left"}


@dataclass(frozen=True)
class Classes:
    """The class names in the order of their indices; the null class follows the last."""

    names: tuple[str, ...]

    @property
    def null(self) -> int:
        """Index of the null class."""
        return len(self.names)

    @property
    def count(self) -> int:
        """Number of embeddings: the classes and the null class."""
        return len(self.names) + 1

    def index(self, group: str, side: str | None = None) -> int:
        """Class of a participant of ``group`` (hc, tle) whose seizures start on ``side`` (left, right or missing)."""
        if group in self.names:
            return self.names.index(group)
        sided = f"{group}-{side}"
        return self.names.index(sided) if sided in self.names else self.null

    def of(self, participants: pd.DataFrame) -> Tensor:
        """Classes (N,), int64, of the rows of a participants table (columns ``group`` and ``side``)."""
        pairs = zip(participants["group"], participants["side"], strict=True)
        return torch.tensor([self.index(group, side) for group, side in pairs], dtype=torch.int64)

    def mirrored(self, labels: Tensor) -> Tensor:
        """``labels`` (N,) after a left-right flip of the scans: left TLE becomes right TLE, the others stay."""
        targets = [self.names.index(MIRROR.get(name, name)) for name in self.names] + [self.null]
        return torch.tensor(targets, device=labels.device)[labels]

    def dropped(self, labels: Tensor, probability: float, generator: torch.Generator) -> Tensor:
        """``labels`` (N,) with each replaced by the null class with ``probability`` (for classifier-free guidance)."""
        drop = torch.rand(labels.shape, generator=generator) < probability
        return torch.where(drop.to(labels.device), self.null, labels)


def classes_of(kind: str) -> Classes:
    """The classes of the recipe's ``diffusion.network.classes``."""
    return Classes(NAMES[kind])
