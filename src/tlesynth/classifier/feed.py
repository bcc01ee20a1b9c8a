"""Volumes of a scan set on their way to the device, and how long they took.

On a GPU the set is held there, in half precision, where it fits into a part of the memory; else, and on a processor,
the volumes of a step are read from the memory-mapped cache.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tlesynth.classifier.network_scorer import PREDICTION_BATCH
from tlesynth.classifier.scan_set import ScanSet

SHARE_OF_MEMORY = 0.3
"""Of what is free on a GPU, for one set of scans."""


class Feed:
    """Batches of a scan set; ``seconds`` counts what fetching them took so far."""

    def __init__(self, scans: ScanSet, device: torch.device) -> None:
        began = time.monotonic()
        self.scans, self.device = scans, device
        self.held = _held(scans, device)
        self.seconds = time.monotonic() - began

    def batch(self, rows: NDArray[np.integer]) -> Tensor:
        """The volumes of ``rows`` on the device: (B, X, Y, Z) float32."""
        began = time.monotonic()
        if self.held is None:
            volumes = torch.from_numpy(self.scans.volumes(rows.tolist())).to(self.device).float()
        else:
            volumes = self.held[torch.from_numpy(rows).to(self.device)].float()
        self.seconds += time.monotonic() - began
        return volumes

    def batches(self) -> Iterator[Tensor]:
        """All volumes in order, a few at a time."""
        for start in range(0, len(self.scans), PREDICTION_BATCH):
            yield self.batch(np.arange(start, min(start + PREDICTION_BATCH, len(self.scans))))


def _held(scans: ScanSet, device: torch.device) -> Tensor | None:
    if device.type != "cuda":
        return None
    needed = 2 * len(scans) * int(np.prod(scans.grid.shape))
    if needed > SHARE_OF_MEMORY * torch.cuda.mem_get_info(device)[0]:
        return None
    held = torch.empty((len(scans), *scans.grid.shape), dtype=torch.float16, device=device)
    for row in range(len(scans)):
        held[row] = torch.from_numpy(scans.volumes([row])[0])
    return held
