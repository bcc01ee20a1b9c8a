"""How alike two volumes look to a network that was trained on photographs: LPIPS of their slices."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tlesynth.evaluation.slices import PLANES, as_images, slices_of
from tlesynth.volume import Grid


@torch.inference_mode()
def lpips_distances(
    original: NDArray[np.floating], reconstruction: NDArray[np.floating], grid: Grid, network: nn.Module
) -> dict[str, float]:
    """Mean LPIPS over the slices of each plane; ``network`` compares (B, 3, H, W) on [-1, 1]."""
    found = {}
    for plane in PLANES:
        a, b = (as_images(slices_of(v, grid, plane)) * 2 - 1 for v in (original, reconstruction))
        found[plane] = float(network(a, b).mean())
    return found
