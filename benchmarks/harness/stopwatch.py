"""Core-seconds of what is trained, without those of what is measured in between."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import torch
from timing import THREADS


@dataclass
class Stopwatch:
    """Core-seconds of what runs between ``start`` and ``stop``, divided by the threads; wall seconds on a GPU."""

    device: torch.device
    seconds: float = 0.0
    _since: float = field(default=0.0, repr=False)

    def start(self) -> None:
        """Go on counting."""
        self._since = self._now()

    def stop(self) -> None:
        """Pause."""
        self.seconds += self._now() - self._since

    def _now(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize()
            return time.perf_counter()
        return time.process_time() / THREADS
