"""A network learns from real brains while its core-seconds are counted; held-out scans are judged on the way.

Every network sees the same crops in the same order with the same noise: the product's own draws, keyed by the step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from judging import Judge
from lightning_fabric import Fabric
from machine import tell
from sides import LATENT
from stopwatch import Stopwatch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from tlesynth import recipe
from tlesynth.autoencoder.coders.lean import LeanCoder
from tlesynth.autoencoder.learning.draws import Draws
from tlesynth.autoencoder.learning.objective import Objective
from tlesynth.autoencoder.networks import channels_last
from tlesynth.autoencoder.scans import Scans
from tlesynth.training import Ema, Learner
from tlesynth.training.optimizers import optimizer_of
from tlesynth.training.step import take_step

WARM_UP = 20
"""Steps of linear warm-up; then the rate is constant, so that a curve may be read at any point."""
EMA_DECAY = 0.99
"""What is judged is this average of the weights: single states of a constant rate wobble."""
SHARES_OF_STEPS = (1 / 8, 1 / 4, 1 / 2, 1)
SHARES_OF_BUDGET = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1)
WAY = "reconstruction"


@dataclass(frozen=True)
class Plan:
    """What all networks share: they learn until both ``steps`` and ``budget`` core-seconds are reached."""

    settings: recipe.Autoencoder
    """Loss, crop, batch, clipping."""
    steps: int
    budget: float
    seed: int
    spacing: float
    optimizer: str = "adam"


def school(
    build: Callable[[], nn.Module],
    rate: float,
    scans: Scans,
    judge: Judge,
    plan: Plan,
    objective: Objective,
    fabric: Fabric,
) -> list[dict[str, Any]]:
    """Train a new network at the learning rate ``rate``; its curve, whole volumes judged at steps and at budget."""
    watch, curve = Stopwatch(fabric.device), []
    watch.start()
    learner = _learner(build, rate, scans, plan, objective, fabric)
    marks, step = _Marks(plan), 0
    while step < plan.steps or watch.seconds < plan.budget:
        taken = take_step(fabric, learner)
        watch.stop()
        step += 1
        due = marks.passed(step, watch.seconds)
        if due or taken.fault:
            point = {"step": step, "core_seconds": round(watch.seconds, 2), "loss": taken.figures["loss"]}
            point |= {"refused": taken.fault} if taken.fault else judge.crops(learner.ema.network, fabric)
            curve.append(point | (judge.whole(learner.ema.network) if due == "whole" else {}))
            tell(f"  step {step:5d}  {watch.seconds:8.1f} core-s  " + _line(curve[-1]))
        watch.start()
    return curve


class _Marks:
    """Where on a curve points are made: at shares of the steps and of the budget, each once."""

    def __init__(self, plan: Plan) -> None:
        self.steps = [round(share * plan.steps) for share in SHARES_OF_STEPS]
        self.seconds = [share * plan.budget for share in SHARES_OF_BUDGET if plan.budget]

    def passed(self, step: int, seconds: float) -> str:
        """``whole`` where the steps or the budget are full, ``crops`` at another mark, else nothing."""
        steps = [mark for mark in self.steps if step >= mark]
        times = [mark for mark in self.seconds if seconds >= mark]
        self.steps, self.seconds = self.steps[len(steps) :], self.seconds[len(times) :]
        if (steps and not self.steps) or (times and not self.seconds):
            return "whole"
        return "crops" if steps or times else ""


def _learner(
    build: Callable[[], nn.Module], rate: float, scans: Scans, plan: Plan, objective: Objective, fabric: Fabric
) -> Learner:
    network = build()
    if isinstance(network.coder, LeanCoder):
        network.coder.start_linear(scans.voxels)
    network = channels_last(network)
    optimizer = optimizer_of(network, plan.optimizer, rate, 0.0)
    schedule = LambdaLR(optimizer, lambda step: min((step + 1) / WARM_UP, 1.0))
    network, optimizer = fabric.setup(network, optimizer)
    draws = Draws(scans, plan.settings, LATENT, plan.spacing, plan.seed, fabric.device)

    def loss(step: int) -> Iterator[dict[str, Tensor]]:
        for part in draws.parts(WAY, step):
            terms = objective.terms(part.x, network(part.x, part.noise), part.draws)
            yield part.weighed({"loss": objective.total(terms)} | terms)

    ema = Ema(network.module, EMA_DECAY)
    return Learner(network, optimizer, loss, schedule, ema=ema, clip=plan.settings.gradient_clip)


def _line(point: dict[str, Any]) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in point.items() if isinstance(value, float))
