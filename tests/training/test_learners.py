"""Data order and averages."""

import torch
from torch import nn

from tlesynth.training import Ema, Order


def test_an_order_visits_every_sample_once_an_epoch_and_is_keyed_by_seed() -> None:
    order = Order(10, 4, 3, "x")
    first = [int(i) for step in range(3) for i in order.batch(step)]
    second = [int(i) for step in range(3, 6) for i in order.batch(step)]
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second
    assert list(Order(10, 4, 3, "x").batch(1)) == list(order.batch(1))


def test_the_average_of_constant_weights_is_those_weights() -> None:
    network = nn.Linear(2, 2)
    ema = Ema(network, 0.999)
    for _ in range(5):
        ema.update(network)
    assert torch.allclose(ema.network.weight, network.weight) and ema.updates == 5


def test_the_average_warms_up_to_its_decay() -> None:
    network = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(network.weight)
    ema = Ema(network, 0.2)
    nn.init.ones_(network.weight)
    expected = 0.0
    for decay in (1 / 10, 2 / 11, 0.2, 0.2):  # (1 + t) / (10 + t) until it exceeds 0.2
        ema.update(network)
        expected = decay * expected + 1 - decay
        assert abs(ema.network.weight.item() - expected) < 1e-6
