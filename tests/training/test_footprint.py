"""The count of a step's memory has answers that can be worked out by hand, and agrees with autograd's own."""

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from tlesynth.training.footprint import footprint, normalising_as_on_cuda

N = 1000


def test_a_chain_of_squares_keeps_each_input_and_peaks_with_its_gradients() -> None:
    x = torch.ones(N, requires_grad=True)
    found = footprint(lambda: x.exp().square().sum(), [x])
    # exp keeps its result, square its input: one and the same. What sum keeps has no bytes but its scalar.
    assert 4 * N <= found.kept <= 4 * N + 64
    # Forwards: exp's and square's results. Backwards at most two gradients beside exp's result, one of them scaled.
    assert 8 * N <= found.peak <= 16 * N + 64


def test_without_gradients_only_what_lives_at_once_counts() -> None:
    x = torch.ones(N)
    found = footprint(lambda: ((x + 1) * 2 - 3).sum())
    assert found.kept <= 16 and 8 * N <= found.peak <= 8 * N + 64


def test_a_convolution_is_remembered_with_what_it_reads_and_writes() -> None:
    conv = nn.Conv3d(1, 2, 1, bias=False).requires_grad_(False)
    found = footprint(lambda: conv(torch.ones(1, 1, 4, 5, 6)).sum(), conv.parameters())
    assert found.largest_convolution == 4 * (120 + 240 + 2)


def small() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv3d(1, 8, 3, padding=1), nn.GroupNorm(2, 8), nn.SiLU(), nn.Conv3d(8, 1, 3, padding=1))


def test_fake_tensors_are_counted_as_real_ones_and_as_autograd_counts_them() -> None:
    def count(network: nn.Module) -> tuple[int, int, int]:
        owned, x = list(network.parameters()), torch.ones(1, 1, 12, 8, 12)
        found = footprint(lambda: network(x).square().mean(), [*owned, x])
        return found.kept, found.peak, found.largest_convolution

    network = small()
    own = {p.untyped_storage().data_ptr() for p in network.parameters()}
    saved: dict[int, int] = {}

    def save(tensor: Tensor) -> Tensor:
        saved[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    x = torch.ones(1, 1, 12, 8, 12)
    with torch.autograd.graph.saved_tensors_hooks(save, lambda tensor: tensor):
        loss = network(x).square().mean()
    outside = own | {x.untyped_storage().data_ptr()}
    by_autograd = sum(size for place, size in saved.items() if place not in outside)
    real = count(small())
    assert real[0] - loss.nbytes == by_autograd
    with FakeTensorMode():
        assert count(small()) == real


def test_normalisation_is_in_float32_as_on_cuda() -> None:
    network = nn.Sequential(nn.Conv3d(1, 2, 1), nn.GroupNorm(1, 2), nn.Conv3d(2, 2, 1))
    x = torch.randn(1, 1, 4, 4, 4)

    def count() -> int:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return footprint(lambda: network(x).float().square().mean(), [*network.parameters(), x]).kept

    before = count()
    assert network[1](x.expand(1, 2, 4, 4, 4).bfloat16()).dtype == torch.bfloat16
    normalising_as_on_cuda(network)
    assert network[1](x.expand(1, 2, 4, 4, 4).bfloat16()).dtype == torch.float32
    # Its input and what the next convolution reads: a float32 copy is kept of the one, a bfloat16 one of the other.
    assert count() > before
