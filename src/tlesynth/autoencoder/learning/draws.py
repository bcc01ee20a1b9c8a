"""The training volumes of a step: which scans, varied and cropped, and the noise of their latents.

Every draw is keyed by (seed, way of learning, step), so that a resumed run sees what it would have seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from tlesynth import recipe
from tlesynth.autoencoder.networks import COMPRESSION
from tlesynth.autoencoder.scans import Scans
from tlesynth.seeds import torch_generator
from tlesynth.training import Order
from tlesynth.training.augmentation import boxes, recoloured


@dataclass(frozen=True)
class Part:
    """What goes through the networks together: ``share`` of the step's volumes, 1 unless steps are accumulated."""

    x: Tensor
    """(B, 1, X, Y, Z) on [0, 1]."""
    noise: Tensor
    """(B, C, x, y, z), standard normal."""
    share: float
    draws: list[torch.Generator]
    """One a volume, for what else a step draws: the slices that LPIPS compares."""

    def weighed(self, terms: dict[str, Tensor]) -> dict[str, Tensor]:
        """This part's contribution to the means over the whole step."""
        return {name: self.share * value for name, value in terms.items()}


@dataclass(frozen=True)
class Draws:
    """The volumes of each step of each way of learning."""

    scans: Scans
    settings: recipe.Autoencoder
    latent_channels: int
    spacing: float
    """mm a voxel."""
    seed: int
    device: torch.device

    def order(self, way: str) -> Order:
        """Which scans a way of learning sees when."""
        first = self.settings.reconstruction
        return Order(len(self.scans), first.batch_size * first.accumulate, self.seed, f"autoencoder/{way}")

    def names(self, way: str, step: int) -> list[str]:
        """Whose scans a step sees."""
        return [self.scans.ids[row] for row in self.order(way).batch(step)]

    def parts(self, way: str, step: int) -> Iterator[Part]:
        """The volumes of a step, ``batch_size`` at a time.

        They are drawn together, so that it does not matter in how many parts they are computed.
        """
        rows = self.order(way).batch(step)
        draws = torch_generator(self.seed, "autoencoder", way, "draws", step)
        varied = self.settings.augmentation
        x = boxes(self.scans.batch(rows, self.device), varied, self.settings.crop, draws, self.spacing)
        x = recoloured(x, varied, draws)  # (B, 1, X, Y, Z)
        sides = [side // COMPRESSION for side in x.shape[2:]]
        noise = torch.randn(len(x), self.latent_channels, *sides, generator=draws).to(self.device)
        size = self.settings.reconstruction.batch_size
        others = [torch_generator(self.seed, "autoencoder", way, "slices", step, self.scans.ids[row]) for row in rows]
        for first, (some, theirs) in enumerate(zip(x.split(size), noise.split(size), strict=True)):
            yield Part(some, theirs, len(some) / len(x), others[first * size : first * size + len(some)])
