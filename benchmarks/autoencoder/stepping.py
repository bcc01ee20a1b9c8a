"""One training step, the same for every side: forward, L1 and KL, backward, fused Adam."""

from __future__ import annotations

import torch
from sides import LATENT
from torch import Tensor, nn

from tlesynth.autoencoder.learning import losses

LEARNING_RATE = 1e-4
KL_WEIGHT = 1e-6


class Step:
    """A network, its optimiser and the step they take on volumes of a shape."""

    def __init__(self, network: nn.Module, *, autocast: bool) -> None:
        self.network, self.autocast = network.train(), autocast
        self.optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE, fused=True)

    def __call__(self, x: Tensor) -> float:
        """One step on ``x`` (B, 1, X, Y, Z); returns the loss."""
        noise = torch.randn(len(x), LATENT, *(n // 4 for n in x.shape[2:]))
        with torch.autocast("cpu", torch.bfloat16, enabled=self.autocast):
            made = self.network(x, noise)
        loss = losses.l1(x, made.x_hat) + KL_WEIGHT * losses.kl(made.mean, made.logvar)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss.item()
