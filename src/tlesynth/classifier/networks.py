"""A 2D network that reads a head as coronal slices: one input channel per slice (paper, section 5.3.1)."""

from __future__ import annotations

import difflib

import timm
import torch
from torch import Tensor, nn

from tlesynth.errors import fail


class CoronalClassifier(nn.Module):
    """A timm network whose first convolution takes the ``slices`` coronal slices of a volume as channels."""

    def __init__(self, network: str, slices: int) -> None:
        """Build ``network`` (a timm name) with random weights."""
        super().__init__()
        self.backbone = timm.create_model(network, pretrained=False, in_chans=slices, num_classes=1)

    def forward(self, volumes: Tensor) -> Tensor:
        """Logits of TLE, (B,), from volumes (B, X, Y, Z) on [0, 1]."""
        return self.backbone(coronal_channels(volumes))[:, 0]


def coronal_channels(volumes: Tensor) -> Tensor:
    """Volumes (B, X, Y, Z) as images (B, Y, X, Z): the coronal planes, posterior to anterior, become the channels."""
    return volumes.permute(0, 2, 1, 3).contiguous()


def build(network: str, slices: int, seed: int) -> CoronalClassifier:
    """A network with weights drawn from ``seed``; no pretrained weights are looked for.

    Raises:
        TlesynthError: CFG-002 if timm knows no network of this name.
    """
    if not timm.is_model(network):
        near = difflib.get_close_matches(network, timm.list_models(), n=1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise fail("CFG-002", "classifier.network", f"timm has no network {network!r}{hint}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return CoronalClassifier(network, slices)
