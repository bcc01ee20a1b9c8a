"""A network of either kind: built, and asked for its logits."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tlesynth.classifier.networks import build
from tlesynth.classifier.two_sided import TwoSidedClassifier, field_on
from tlesynth.recipe import Classifier
from tlesynth.volume import Grid

PREDICTION_BATCH = 16
PATH_STEPS = 16


class NetworkScorer:
    """A trained network as the scorer of a classifier."""

    def __init__(self, network: nn.Module) -> None:
        self.network = network

    def logits(self, volumes: NDArray[np.floating]) -> NDArray[np.float64]:
        """Logits of the positive class, (N,), of volumes (N, X, Y, Z) on [0, 1]."""
        return network_logits(self.network, _batches(volumes))

    def attribution(self, volume: NDArray[np.floating], average: NDArray[np.floating]) -> NDArray[np.float32]:
        """Integrated gradients (Sundararajan et al. 2017) from an ``average`` scan to a volume, both (X, Y, Z).

        Their sum is the difference of the two logits, but for the error of ``PATH_STEPS`` steps.
        """
        was_training, device = self.network.training, next(self.network.parameters()).device
        self.network.eval()
        first, last = (torch.as_tensor(np.asarray(end, np.float32), device=device) for end in (average, volume))
        total = torch.zeros_like(last)
        for step in range(PATH_STEPS):
            place = (first + (step + 0.5) / PATH_STEPS * (last - first)).unsqueeze(0).requires_grad_()
            (gradient,) = torch.autograd.grad(self.network(place).sum(), place)
            total += gradient[0]
        self.network.train(was_training)
        return (total / PATH_STEPS * (last - first)).cpu().numpy()

    def tensors(self) -> dict[str, Tensor]:
        """Weights and running statistics."""
        return self.network.state_dict()


@torch.inference_mode()
def network_logits(network: nn.Module, batches: Iterator[Tensor]) -> NDArray[np.float64]:
    """Logits, (N,), of batches of volumes (B, X, Y, Z); the network is asked in evaluation mode and left as it was."""
    was_training = network.training
    network.eval()
    device = next(network.parameters()).device
    found = [network(batch.to(device=device, dtype=torch.float32)).float().cpu() for batch in batches]
    network.train(was_training)
    return torch.cat(found).double().numpy() if found else np.zeros(0)


def network_for(settings: Classifier, grid: Grid, *, seed: int) -> nn.Module:
    """The network of the kind that ``settings`` names, with weights drawn from ``seed``.

    Raises:
        TlesynthError: CFG-002 if timm knows no network of this name.
    """
    if settings.kind == "efficientnet":
        return build(settings.network, grid.shape[1], seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return TwoSidedClassifier(settings.cnn3d, field_on(grid, settings.cnn3d.field), settings.task)


def _batches(volumes: NDArray[np.floating]) -> Iterator[Tensor]:
    for start in range(0, len(volumes), PREDICTION_BATCH):
        yield torch.as_tensor(volumes[start : start + PREDICTION_BATCH])
