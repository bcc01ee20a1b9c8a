"""A step: the sum of its parts, or nothing at all."""

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from tlesynth.training import Ema, Learner, fabric_for
from tlesynth.training.step import take_step

from .line import line_learner, weights

FABRIC = fabric_for("cpu", "32-true")


@pytest.mark.parametrize("parts", [2, 4])
def test_parts_of_a_batch_make_the_step_of_the_whole(parts: int) -> None:
    whole, split = line_learner(), line_learner(parts=parts)
    for _ in range(10):
        one, other = take_step(FABRIC, whole), take_step(FABRIC, split)
        assert other.figures == pytest.approx(one.figures, rel=1e-5)
    assert weights(split) == pytest.approx(weights(whole), abs=1e-6)


def everything(learner: Learner) -> list[torch.Tensor | float]:
    """All that a refused step must leave alone."""
    state = [value.clone() for value in learner.network.state_dict().values()]
    moments = [v.clone() for values in learner.optimizer.state.values() for v in values.values()]
    average = [] if learner.ema is None else [v.clone() for v in learner.ema.network.state_dict().values()]
    assert learner.schedule is not None and learner.ema is not None
    return [*state, *moments, *average, learner.schedule.last_epoch, learner.ema.updates]


def normalised(poison: int, where: str) -> Learner:
    """A network with running statistics; step ``poison`` is spoilt in its input, its loss or its gradient."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    optimizer = torch.optim.Adam(network.parameters(), lr=0.1)

    def loss(step: int) -> Iterator[dict[str, torch.Tensor]]:
        x = torch.ones(4, 2) * torch.arange(4.0)[:, None]
        bad = step == poison
        made = network(x * (float("nan") if bad and where == "input" else 1))
        l1 = (made - 1).abs().mean() * (float("inf") if bad and where == "loss" else 1)
        # The square root has an infinite slope at 0, where its value is fine.
        steep = (network[0].weight.abs().sum() * 0).sqrt() if bad and where == "gradient" else 0
        yield {"loss": l1 + steep, "l1": l1}

    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    return Learner(network, optimizer, loss, schedule, Ema(network, 0.5))


@pytest.mark.parametrize(
    ("where", "fault"),
    [
        ("input", "the term l1 is nan"),
        ("loss", "the term l1 is inf"),
        ("gradient", "the gradient is not finite, first in 0.weight"),
    ],
)
def test_a_step_that_is_not_finite_leaves_nothing_behind(where: str, fault: str) -> None:
    learner = normalised(2, where)
    for _ in range(2):
        assert take_step(FABRIC, learner).fault == ""
    before = everything(learner)
    assert take_step(FABRIC, learner).fault == fault
    after = everything(learner)
    assert all(torch.equal(torch.as_tensor(a), torch.as_tensor(b)) for a, b in zip(before, after, strict=True))
    assert all(p.grad is None for p in learner.network.parameters()) and learner.steps == 3
    assert take_step(FABRIC, learner).fault == ""


def test_a_step_refused_before_is_refused_again() -> None:
    learner = normalised(-1, "loss")
    before = weights_of(learner)
    assert take_step(FABRIC, learner, "the loss was nan").fault == "the loss was nan"
    assert weights_of(learner) == before and learner.steps == 1


def weights_of(learner: Learner) -> list[list[float]]:
    return [p.flatten().tolist() for p in learner.network.parameters()]
