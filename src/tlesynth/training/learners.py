"""What the loop walks over: data order, learners, their averages and their turns."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tlesynth.seeds import generator

Loss = Callable[[int], Iterator[dict[str, Tensor]]]
"""step -> the named scalars of each micro-batch of it; what a step's parts yield is summed, and ``"loss"`` is
minimised. A part that is a share of the batch yields that share of each mean."""


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
    """Exponential moving average of a network's weights, with a warm-up: decay = min(decay, (1 + t) / (10 + t)).

    It counts its own updates t (from 0), so that several learners of one network share one average.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).requires_grad_(False).eval()
        self.decay = decay
        self.updates = 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Move the average towards ``network``, which has just taken a step."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        mine, theirs = self.network.state_dict(), network.state_dict()
        for name, average in mine.items():
            if average.is_floating_point():
                average.lerp_(theirs[name], 1 - decay)
            else:
                average.copy_(theirs[name])
        self.updates += 1


@dataclass
class Learner:
    """One network, its optimiser and its loss. Learners may share a network, an optimiser or an average."""

    network: nn.Module
    optimizer: torch.optim.Optimizer
    loss: Loss
    schedule: torch.optim.lr_scheduler.LRScheduler | None = None
    ema: Ema | None = None
    clip: float = 1.0
    samples: Callable[[int], list[str]] | None = None
    """step -> whose samples it sees, for messages."""
    steps: int = 0
    """Steps drawn, refused ones included: the next step's key."""


@dataclass(frozen=True)
class Segment:
    """A turn: ``steps`` at most, fewer once the running mean of ``stop_metric`` is below its bound.

    At each step ``learner`` takes a step of its own, then those of ``then``, one after the other.
    """

    name: str
    phase: str
    learner: str
    steps: int
    stop_metric: str = ""
    stop_below: float = 0.0
    least_steps: int = 1
    """Steps before which no running mean ends the turn: a mean over one batch is no mean."""
    then: tuple[str, ...] = ()
    validated: bool = True
    """Whether the turn moves what the validation judges; one that does not is never validated."""


@dataclass(frozen=True)
class Best:
    """The best validation of a phase by one figure."""

    phase: str
    value: float
    step: int


@dataclass
class Position:
    """Where a run stands."""

    segment: int = 0
    step_in_segment: int = 0
    step: int = 0
    running: float = 0.0
    running_weight: float = 0.0
    best: dict[str, Best] = field(default_factory=dict)
    """By checkpoint name."""
    turns: list[dict[str, Any]] = field(default_factory=list)

    @property
    def running_mean(self) -> float:
        """The bias-corrected running mean of the turn's stop metric."""
        return self.running / self.running_weight if self.running_weight else float("inf")
