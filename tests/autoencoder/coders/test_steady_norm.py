"""Group normalisation of large channels-last volumes: as exact as float64, where torch's own is not."""

import pytest
import torch
from torch import nn

from tlesynth.autoencoder.coders import steady_norm
from tlesynth.autoencoder.coders.steady_norm import SteadyGroupNorm


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last_3d])
def test_it_agrees_with_float64(layout: torch.memory_format, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steady_norm, "LARGE", 1)
    torch.manual_seed(0)
    norm = SteadyGroupNorm(4, 8)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    x = (3 + torch.randn(2, 8, 12, 10, 14)).contiguous(memory_format=layout).requires_grad_()
    exact = nn.GroupNorm(4, 8).double()
    exact.load_state_dict(norm.state_dict())
    x64 = x.detach().double().requires_grad_()
    mine, true = norm(x), exact(x64)
    torch.testing.assert_close(mine.double(), true, rtol=0, atol=3e-6)
    mine.square().sum().backward()
    true.square().sum().backward()
    assert x.grad is not None and x64.grad is not None and norm.weight.grad is not None
    torch.testing.assert_close(x.grad.double(), x64.grad, rtol=0, atol=1e-4)
    torch.testing.assert_close(norm.weight.grad.double(), exact.weight.grad, rtol=1e-4, atol=1e-2)


def test_a_large_volume_comes_out_right() -> None:
    torch.manual_seed(0)
    x = (1.3 + 0.7 * torch.randn(1, 2, 112, 136, 112)).contiguous(memory_format=torch.channels_last_3d)
    mean, std = x.double().mean(), (x.double().var(correction=0) + 1e-5).sqrt()
    with torch.no_grad():
        error = (SteadyGroupNorm(1, 2)(x) - (x - mean) / std).abs().max()
    assert float(error) < 3e-6
