"""A Gaussian over latents: a mean for each class, and the principal components of what is left within classes.

The components are pooled over classes, since a class alone has too few scans, and every one with variance is kept: with
N scans there are at most N - 1. It draws smooth mixtures of the training scans, and no detail that any scan lacks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tlesynth.autoencoder.networks import Autoencoder
from tlesynth.diffusion.conditions import Conditions
from tlesynth.diffusion.latents import Latents
from tlesynth.seeds import seed_of
from tlesynth.synthesis.requests import Subject
from tlesynth.volume import Grid


@dataclass(frozen=True)
class PcaGaussian:
    """Draws latents of a class and decodes them."""

    autoencoder: Autoencoder
    conditions: Conditions
    means: dict[tuple[float, ...], Tensor]
    """Mean latent (C, X, Y, Z) of each class: the values of its categories, -1 for null."""
    components: Tensor
    """(K, C, X, Y, Z), each scaled to the standard deviation along it."""
    seed: int
    fitted: str
    """Fingerprint of what it was fitted to."""
    batch_size: int = 1

    @property
    def grid(self) -> Grid:
        """The grid of its volumes."""
        return self.autoencoder.grid

    def latent(self, subject: Subject, attempt: int) -> Tensor:
        """The latent (C, X, Y, Z) of a subject: its class's mean plus normal weights on the components."""
        generator = torch.Generator().manual_seed(self._seed_of(subject, attempt))
        weights = torch.randn(len(self.components), generator=generator)
        key = class_of(self.conditions, self.conditions.asked([subject.asked], "baseline"))[0]
        return self.means[key] + torch.tensordot(weights, self.components, 1)

    def volumes(self, subjects: list[Subject], attempt: int) -> Iterator[np.ndarray]:
        """The volume (X, Y, Z) of each of ``subjects``."""
        for subject in subjects:
            latent = self.latent(subject, attempt).to(self.autoencoder.latent_mean.device)
            yield self.autoencoder.from_latents(latent[None])[0, 0].float().cpu().numpy()

    def sidecar(self, subject: Subject, attempt: int) -> dict[str, Any]:
        """What a scan says about its origin."""
        return {
            "Synthetic": True,
            "Generator": "baseline pca",
            "Seed": self._seed_of(subject, attempt),
            "Attempt": attempt + 1,
            "Fitted": self.fitted,
            "AutoencoderHash": self.autoencoder.fingerprint,
            "Conditions": dict(subject.asked),
        }

    def _seed_of(self, subject: Subject, attempt: int) -> int:
        return seed_of(self.seed, "baseline pca", subject.participant_id, attempt)


def fit_pca(data: Latents, conditions: Conditions) -> tuple[dict[tuple[float, ...], Tensor], Tensor]:
    """Class means, and pooled components (K, C, X, Y, Z) scaled to their standard deviations, of training latents."""
    keys, flat = class_of(conditions, data.conditions), data.values.flatten(1).float()
    shape, means = data.values.shape[1:], {}
    centred = torch.empty_like(flat)
    for key in dict.fromkeys(keys):
        rows = torch.tensor([other == key for other in keys])
        mean = flat[rows].mean(0)
        means[key], centred[rows] = mean.reshape(shape), flat[rows] - mean
    freedom = max(len(keys) - len(means), 1)
    # N scans of D numbers, N far below D: the components come from the N by N products.
    values, vectors = torch.linalg.eigh((centred @ centred.T).double())
    kept = values > 1e-9 * values.max()
    components = vectors[:, kept].T.float() @ centred / freedom**0.5  # rows have length sqrt(value / freedom)
    return means, components.reshape(-1, *shape)


def class_of(conditions: Conditions, told: Tensor) -> list[tuple[float, ...]]:
    """The class of each row of ``told`` (N, K): the values of its categories; quantities do not make classes."""
    columns = [column for column, item in enumerate(conditions.items) if not item.quantity]
    return [tuple(row) for row in torch.nan_to_num(told[:, columns], nan=-1.0).tolist()]
