"""The autoencoder alone: standard normal noise decoded, as if latents had the distribution its loss pulls them to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from tlesynth.autoencoder.networks import Autoencoder
from tlesynth.synthesis.baselines.origin import origin, seed_for
from tlesynth.synthesis.requests import Subject
from tlesynth.volume import Grid


@dataclass(frozen=True)
class Prior:
    """Decodes noise; it knows no conditions, whatever is asked for."""

    autoencoder: Autoencoder
    seed: int
    batch_size: int = 1

    @property
    def grid(self) -> Grid:
        """The grid of its volumes."""
        return self.autoencoder.grid

    def volumes(self, subjects: list[Subject], attempt: int) -> Iterator[np.ndarray]:
        """The volume (X, Y, Z) of each of ``subjects``."""
        for subject in subjects:
            generator = torch.Generator().manual_seed(seed_for("prior", self.seed, subject, attempt))
            noise = torch.randn(1, *self.autoencoder.latent_shape, generator=generator)
            latent = self.autoencoder.normalise(noise.to(self.autoencoder.latent_mean.device))
            yield self.autoencoder.from_latents(latent)[0, 0].float().cpu().numpy()

    def sidecar(self, subject: Subject, attempt: int) -> dict[str, Any]:
        """What a scan says about its origin."""
        return origin("prior", self.seed, subject, attempt, AutoencoderHash=self.autoencoder.fingerprint)
