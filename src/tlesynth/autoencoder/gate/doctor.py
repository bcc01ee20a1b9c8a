"""The latent doctor: what each channel of the latent carries, and how much of it is the posterior's own noise.

Everything follows from four means per scan and channel, so that a cohort of any size costs no memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

LEAST_SPREAD = 0.01
"""A channel whose posterior mean varies less than this share of the liveliest channel's is dead."""
MOST_NOISE = 0.95
"""A channel of which more than this share is noise has collapsed onto the prior: dead as well."""


@dataclass(frozen=True)
class Moments:
    """Means over the voxels of a latent: of the posterior mean, its square, the posterior variance, and the KL.

    (C,) for one scan, (N, C) for several; the KL is in nats per element, against N(0, 1).
    """

    mean: NDArray[np.float64]
    square: NDArray[np.float64]
    variance: NDArray[np.float64]
    kl: NDArray[np.float64]

    @classmethod
    def stack(cls, scans: Sequence[Moments]) -> Moments:
        """(N, C) moments of N scans with (C,) each."""
        names = ("mean", "square", "variance", "kl")
        return cls(*(np.stack([getattr(scan, name) for scan in scans]) for name in names))

    def of(self, rows: NDArray[np.int64]) -> Moments:
        """Moments (B, C) over the scans ``rows`` (B, n) together."""
        return Moments(*(part[rows].mean(axis=1) for part in (self.mean, self.square, self.variance, self.kl)))

    @property
    def signal(self) -> NDArray[np.float64]:
        """Variance of the posterior mean per channel."""
        return np.maximum(self.square - self.mean**2, 0.0)


@dataclass(frozen=True)
class Channel:
    """One latent channel over a cohort: its posterior mean's mean and standard deviation, and what else it is."""

    mean: float
    std: float
    posterior_variance: float
    noise_share: float
    kl_per_element: float
    dead: bool


def moments(mean: Tensor, logvar: Tensor) -> Moments:
    """The moments (C,) of one scan's posterior: mean and log-variance (C, x, y, z)."""
    m, v = (part.flatten(1).cpu().double() for part in (mean, logvar))  # not every device has float64
    kl = 0.5 * (m.square() + v.exp() - 1 - v)
    parts = torch.stack([m.mean(1), m.square().mean(1), v.exp().mean(1), kl.mean(1)]).numpy()
    return Moments(*parts)


def channels(scans: Moments) -> list[Channel]:
    """Each channel over all scans, from moments (N, C)."""
    whole = scans.of(np.arange(len(scans.mean))[None])
    std, share = np.sqrt(whole.signal[0]), channel_noise(whole)[0]
    dead = (std < LEAST_SPREAD * std.max()) | (share > MOST_NOISE)
    figures = (whole.mean[0], std, whole.variance[0], share, whole.kl[0])
    return [Channel(*map(float, row), bool(d)) for *row, d in zip(*figures, dead, strict=True)]


def channel_noise(pooled: Moments) -> NDArray[np.float64]:
    """Share of the posterior's noise in the latent's variance, by channel: (B, C) of pooled moments (B, C).

    Mean of exp(logvar) over (variance of the mean + mean of exp(logvar)).
    """
    return pooled.variance / np.maximum(pooled.signal + pooled.variance, 1e-30)


def posterior_noise(pooled: Moments) -> NDArray[np.float64]:
    """The same of the latents a diffusion model sees, (B,): every channel scaled to unit variance of its mean first.

    That is r / (1 + r) where r is the mean over channels of noise variance over signal variance.
    """
    ratio = (pooled.variance / np.maximum(pooled.signal, 1e-30)).mean(axis=1)
    return ratio / (1 + ratio)
