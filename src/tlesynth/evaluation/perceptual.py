"""How alike two volumes look to a network that was trained on photographs: LPIPS of their slices."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tlesynth.evaluation.slices import PLANES, as_images, slices_of
from tlesynth.volume import Grid


@torch.inference_mode()
def lpips_distance(
    original: NDArray[np.floating], reconstruction: NDArray[np.floating], grid: Grid, network: nn.Module
) -> float:
    """Mean LPIPS over the slices of the three planes; ``network`` compares (B, 3, H, W) on [-1, 1]."""
    distances = []
    for plane in PLANES:
        a, b = (as_images(slices_of(v, grid, plane)) * 2 - 1 for v in (original, reconstruction))
        distances.append(network(a, b).flatten())
    return float(torch.cat(distances).mean())
