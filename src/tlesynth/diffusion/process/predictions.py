"""What a network predicts: a combination of the clean latent z_0 and the noise eps, and the way back from it.

With z_t = a z_0 + b eps, any second combination of the two gives both. All tensors are (B, C, X, Y, Z), the scales a
and b broadcast over them.
"""

from __future__ import annotations

from typing import Protocol

from torch import Tensor


class Prediction(Protocol):
    """The target of a network, and what its prediction says about z_0 and eps."""

    def target(self, clean: Tensor, noise: Tensor, a: Tensor, b: Tensor) -> Tensor:
        """What a perfect network predicts; linear in ``clean`` and ``noise``."""
        ...

    def clean_of(self, z: Tensor, predicted: Tensor, a: Tensor, b: Tensor) -> Tensor:
        """The estimate of z_0."""
        ...

    def noise_of(self, z: Tensor, predicted: Tensor, a: Tensor, b: Tensor) -> Tensor:
        """The estimate of eps."""
        ...


class Epsilon:
    """The noise itself (paper, equation 7)."""

    def target(self, clean: Tensor, noise: Tensor, a: Tensor, b: Tensor) -> Tensor:
        """The noise."""
        return noise

    def clean_of(self, z: Tensor, predicted: Tensor, a: Tensor, b: Tensor) -> Tensor:
        """``(z_t - b eps) / a``."""
        return (z - b * predicted) / a

    def noise_of(self, z: Tensor, predicted: Tensor, a: Tensor, b: Tensor) -> Tensor:
        """The noise."""
        return predicted


class Velocity:
    """The velocity v of a process with a^2 + b^2 = 1 (Salimans and Ho, arXiv 2202.00512)."""

    def target(self, clean: Tensor, noise: Tensor, a: Tensor, b: Tensor) -> Tensor:
        """``a eps - b z_0``."""
        return a * noise - b * clean

    def clean_of(self, z: Tensor, predicted: Tensor, a: Tensor, b: Tensor) -> Tensor:
        """``a z_t - b v``."""
        return a * z - b * predicted

    def noise_of(self, z: Tensor, predicted: Tensor, a: Tensor, b: Tensor) -> Tensor:
        """``a v + b z_t``."""
        return a * predicted + b * z


class FlowVelocity:
    """The velocity u of a process with a + b = 1: the straight line from z_0 to eps (Liu et al., arXiv 2209.03003)."""

    def target(self, clean: Tensor, noise: Tensor, a: Tensor, b: Tensor) -> Tensor:
        """``eps - z_0``."""
        return noise - clean

    def clean_of(self, z: Tensor, predicted: Tensor, a: Tensor, b: Tensor) -> Tensor:
        """``z_t - b u``."""
        return z - b * predicted

    def noise_of(self, z: Tensor, predicted: Tensor, a: Tensor, b: Tensor) -> Tensor:
        """``z_t + a u``."""
        return z + a * predicted


PREDICTIONS: dict[str, Prediction] = {"epsilon": Epsilon(), "v_prediction": Velocity(), "flow": FlowVelocity()}
"""By name (``Noise.predicts``)."""
