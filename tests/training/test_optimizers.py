"""Optimisers and rates have known first steps and known curves."""

import pytest
import torch
from torch import nn

from tlesynth.training.optimizers import cosine, optimizer_of, share_of_rate, warm_restarts


def rates(optimizer: torch.optim.Optimizer, schedule: torch.optim.lr_scheduler.LRScheduler, steps: int) -> list[float]:
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return found


def test_adams_first_step_is_the_rate_whatever_the_gradient() -> None:
    network = nn.Linear(2, 1)
    before = network.weight.detach().clone()
    optimizer = optimizer_of(network, "adam", 0.1, 0.0)
    network(torch.tensor([[3.0, -700.0]])).sum().backward()
    optimizer.step()
    assert torch.allclose(network.weight - before, torch.tensor([[-0.1, 0.1]]), atol=1e-6)


def test_only_kernels_decay() -> None:
    network = nn.Linear(2, 2)
    nn.init.ones_(network.weight)
    nn.init.ones_(network.bias)
    optimizer = optimizer_of(network, "adamw", 0.1, 0.5)
    (0 * network(torch.zeros(1, 2)).sum()).backward()
    optimizer.step()
    # Without a gradient only the decay acts: 1 - rate * decay.
    assert torch.allclose(network.weight, torch.full((2, 2), 0.95)) and torch.equal(network.bias, torch.ones(2))


def test_the_fused_update_is_adams_and_repeats() -> None:
    found = []
    for fused in (True, True, False):
        torch.manual_seed(1)
        network = nn.Linear(50, 50)
        optimizer = torch.optim.Adam(network.parameters(), lr=0.01, fused=fused)
        for _ in range(20):
            optimizer.zero_grad()
            network(torch.randn(8, 50)).square().sum().backward()
            optimizer.step()
        found.append(network.weight.detach())
    assert torch.equal(found[0], found[1]) and torch.allclose(found[0], found[2], atol=1e-5)


def test_warm_restarts_double_their_period() -> None:
    optimizer = optimizer_of(nn.Linear(1, 1), "adam", 1e-3, 0.0)
    found = rates(optimizer, warm_restarts(optimizer, 10, 1e-3), 71)
    assert [i for i, rate in enumerate(found) if rate == 1e-3] == [0, 10, 30, 70]
    assert found[5] == pytest.approx((1e-3 + 1e-6) / 2) and min(found) > 1e-6


def test_the_cosine_warms_up_and_ends_at_the_least_rate() -> None:
    optimizer = optimizer_of(nn.Linear(1, 1), "adam", 1e-3, 0.0)
    found = rates(optimizer, cosine(optimizer, steps=25, warmup=4, learning_rate=1e-3), 25)
    assert found[:5] == pytest.approx([2.5e-4, 5e-4, 7.5e-4, 1e-3, 1e-3])
    assert found[14] == pytest.approx((1e-3 + 1e-6) / 2) and found[24] == pytest.approx(1e-6)
    assert share_of_rate(99, 25, 4, 0.001) == pytest.approx(0.001)
