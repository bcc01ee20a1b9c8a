"""What a step draws, made while the steps before it are computed: on a card the processor would be waited for."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

import torch

T = TypeVar("T")
MOST_THREADS = 4


class Ahead(Generic[T]):
    """``make(step)``, and with ``threads`` also that of as many steps to come, meanwhile, by as many threads.

    ``make`` depends on the step alone, so that it does not matter when it is done. Torch lets other threads run while
    it draws.
    """

    def __init__(self, make: Callable[[int], T], threads: int) -> None:
        self.make, self.threads = make, threads
        self._pool = ThreadPoolExecutor(threads, "draws") if threads else None
        self._begun: dict[int, Future[T]] = {}

    def __call__(self, step: int) -> T:
        """What ``step`` draws."""
        if self._pool is None:
            return self.make(step)
        for passed in [one for one in self._begun if one < step]:
            self._begun.pop(passed).cancel()
        for coming in range(step, step + self.threads + 1):
            if coming not in self._begun:
                self._begun[coming] = self._pool.submit(self.make, coming)
        return self._begun.pop(step).result()


def threads_beside(device: torch.device) -> int:
    """Threads that may draw beside a training on ``device``: none on the processor, which computes it itself."""
    if device.type != "cuda":
        return 0
    from tlesynth.sharing.crew import cores  # loads joblib, which no training on the processor needs

    return min(MOST_THREADS, cores() - 1)
