"""What the loop walks over: data order, learners, their averages and their turns."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tlesynth.seeds import generator


@dataclass(frozen=True)
class Order:
    """Which samples make up step ``step``: a permutation per epoch, keyed by (seed, purpose, epoch)."""

    n: int
    batch_size: int
    seed: int
    purpose: str

    @property
    def steps_per_epoch(self) -> int:
        """Batches in one pass over the data; the last may be short."""
        return -(-self.n // self.batch_size)

    def batch(self, step: int) -> np.ndarray:
        """Indices of the samples of a step, at most ``batch_size`` of them, int64."""
        epoch, place = divmod(step, self.steps_per_epoch)
        order = generator(self.seed, self.purpose, "order", epoch).permutation(self.n)
        return order[place * self.batch_size : (place + 1) * self.batch_size]


class Ema:
    """Exponential moving average of a network's weights, with a warm-up: decay = min(decay, (1 + t) / (10 + t))."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).requires_grad_(False).eval()
        self.decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Move the average towards ``network`` after its step ``step`` (from 0)."""
        decay = min(self.decay, (1 + step) / (10 + step))
        mine, theirs = self.network.state_dict(), network.state_dict()
        for name, average in mine.items():
            if average.is_floating_point():
                average.lerp_(theirs[name], 1 - decay)
            else:
                average.copy_(theirs[name])


@dataclass
class Learner:
    """One network, its optimiser and its loss: ``loss(step)`` returns named scalars; ``"loss"`` is minimised."""

    network: nn.Module
    optimizer: torch.optim.Optimizer
    loss: Callable[[int], dict[str, Tensor]]
    schedule: torch.optim.lr_scheduler.LRScheduler | None = None
    ema: Ema | None = None
    clip: float = 1.0
    steps: int = 0


@dataclass(frozen=True)
class Segment:
    """A turn of one learner: ``steps`` at most, fewer once the running mean of ``stop_metric`` is below its bound."""

    name: str
    phase: str
    learner: str
    steps: int
    stop_metric: str = ""
    stop_below: float = 0.0


@dataclass
class Position:
    """Where a run stands."""

    segment: int = 0
    step_in_segment: int = 0
    step: int = 0
    running: float = 0.0
    running_weight: float = 0.0
    best_phase: str = ""
    best_score: float = float("inf")
    best_step: int = 0
    turns: list[dict[str, Any]] = field(default_factory=list)

    @property
    def running_mean(self) -> float:
        """The bias-corrected running mean of the segment's stop metric."""
        return self.running / self.running_weight if self.running_weight else float("inf")
