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
from tlesynth.errors import fail
from tlesynth.synthesis.baselines.origin import origin, seed_for
from tlesynth.synthesis.requests import Subject
from tlesynth.volume import Grid

UNTOLD = -1.0
"""Stands for null in ``Fit.classes``."""


@dataclass(frozen=True)
class Fit:
    """What training latents of M classes are like."""

    classes: Tensor
    """(M, G): the values of each class's categories."""
    counts: Tensor
    """Scans (M,) of each."""
    means: Tensor
    """(M, C, X, Y, Z)."""
    components: Tensor
    """(K, C, X, Y, Z), each scaled to the standard deviation along it."""


@dataclass(frozen=True)
class PcaGaussian:
    """Draws latents of a class and decodes them."""

    autoencoder: Autoencoder
    conditions: Conditions
    fit: Fit
    seed: int
    fitted: str
    """Fingerprint of what it was fitted to."""
    batch_size: int = 1

    @property
    def grid(self) -> Grid:
        """The grid of its volumes."""
        return self.autoencoder.grid

    def latent(self, subject: Subject, attempt: int) -> Tensor:
        """The latent (C, X, Y, Z) of a subject: its class's mean plus normal weights on the components.

        Where several classes have what is asked for, it is of one of them, as often as the training scans are.

        Raises:
            TlesynthError: CFG-011 if no training scan has what is asked for.
        """
        generator = torch.Generator().manual_seed(seed_for("pca", self.seed, subject, attempt))
        weights = torch.randn(len(self.fit.components), generator=generator)
        told = categories(self.conditions, self.conditions.asked([subject.asked], "baseline"))  # (1, G)
        scans = self.fit.counts * ((self.fit.classes == told) | told.isnan()).all(1)  # (M,)
        if not scans.any():
            asked = " ".join(f"{name}={value}" for name, value in subject.asked.items())
            raise fail("CFG-011", "baseline", f"no training scan has {asked}")
        chosen = int(torch.multinomial(scans.float(), 1, generator=generator))
        return self.fit.means[chosen] + torch.tensordot(weights, self.fit.components, 1)

    def volumes(self, subjects: list[Subject], attempt: int) -> Iterator[np.ndarray]:
        """The volume (X, Y, Z) of each of ``subjects``."""
        for subject in subjects:
            latent = self.latent(subject, attempt).to(self.autoencoder.latent_mean.device)
            yield self.autoencoder.from_latents(latent[None])[0, 0].float().cpu().numpy()

    def sidecar(self, subject: Subject, attempt: int) -> dict[str, Any]:
        """What a scan says about its origin."""
        made_of = {"Fitted": self.fitted, "AutoencoderHash": self.autoencoder.fingerprint}
        return origin("pca", self.seed, subject, attempt, **made_of)


def fit_pca(data: Latents, conditions: Conditions) -> Fit:
    """The classes of training latents, and the components of what is left within them, pooled."""
    flat, shape = data.values.flatten(1).float(), data.values.shape[1:]
    told = categories(conditions, data.conditions).nan_to_num(nan=UNTOLD)
    classes, member, counts = told.unique(dim=0, return_inverse=True, return_counts=True)
    means = torch.stack([flat[member == i].mean(0) for i in range(len(classes))])  # (M, D)
    centred = flat - means[member]
    freedom = max(len(flat) - len(means), 1)
    # N scans of D numbers, N far below D: the components come from the N by N products.
    values, vectors = torch.linalg.eigh((centred @ centred.T).double())
    kept = values > 1e-9 * values.max()
    components = vectors[:, kept].T.float() @ centred / freedom**0.5  # rows have length sqrt(value / freedom)
    return Fit(classes, counts, means.reshape(-1, *shape), components.reshape(-1, *shape))


def categories(conditions: Conditions, told: Tensor) -> Tensor:
    """What ``told`` (N, K) says of categories (N, G); quantities do not make classes."""
    return told[:, [column for column, item in enumerate(conditions.items) if not item.quantity]]
