"""The smallest thing that can be trained: a line, from draws keyed by step."""

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn

from tlesynth.run_folder import RunFolder
from tlesynth.seeds import torch_generator
from tlesynth.training import Ema, Learner, Limits, Rhythm, Segment, fabric_for, train

LIMITS = Limits()


class Killed(Exception):
    """Stands for a kill between two steps."""


def line_learner(*, kill_at: int = -1, poison: tuple[int, ...] = (), parts: int = 1) -> Learner:
    """Fits y = 2x + 1; a poisoned step's loss is not a number."""
    torch.manual_seed(0)
    network = nn.Linear(1, 1)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.05)

    def loss(step: int) -> Iterator[dict[str, torch.Tensor]]:
        if step == kill_at:
            raise Killed
        x = torch.randn(16, 1, generator=torch_generator(1, "data", step))
        for part in x.chunk(parts):
            error = ((network(part) - 2 * part - 1) ** 2).mean() / parts
            yield {"loss": error * (float("nan") if step in poison else 1.0)}

    schedule = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 40, 2)
    return Learner(network, optimizer, loss, schedule, Ema(network, 0.9), samples=lambda step: [f"sub-{step:02d}"])


def run_line(
    folder: Path, learner: Learner, steps: int = 60, segments: list[Segment] | None = None, limits: Limits = LIMITS
) -> RunFolder:
    run = RunFolder.open(folder, {"seed": 1})

    def validate() -> dict[str, float]:
        weight, bias = (float(p.detach()) for p in learner.network.parameters())
        return {"score": abs(weight - 2) + abs(bias - 1)}

    segments = segments or [Segment("fit", "fit", "line", steps)]
    rhythm = Rhythm(validate_every=10, checkpoint_every=7, limits=limits)
    train(run, fabric_for("cpu", "32-true"), {"line": learner}, segments, validate=validate, rhythm=rhythm, label="fit")
    return run


def weights(learner: Learner) -> list[float]:
    networks = [learner.network, learner.ema.network] if learner.ema else [learner.network]
    return [float(p.detach()) for network in networks for p in network.parameters()]
