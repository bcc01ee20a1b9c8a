"""The rewritten upsampling is the same function as doubling and then a convolution, forwards and backwards."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tlesynth.autoencoder.coders.kl_network import convolution
from tlesynth.autoencoder.coders.upsampling import (
    FoldedUpsample,
    LinearUpsample,
    doubled_linearly,
    folded_kernel,
)

KINDS = [(FoldedUpsample, "nearest"), (LinearUpsample, "trilinear")]


def doubling(mode: str) -> Callable[[Tensor], Tensor]:
    return lambda x: F.interpolate(x, scale_factor=2.0, mode=mode)


def block_and_twin(kind: type[nn.Module], mode: str) -> tuple[nn.Module, nn.Module, Callable[[Tensor], Tensor]]:
    torch.manual_seed(0)
    ours, theirs = (convolution(16, 8, 3) for _ in range(2))
    theirs.load_state_dict(ours.state_dict())
    return kind(ours), theirs, lambda x: theirs(doubling(mode)(x))


@pytest.mark.parametrize(("kind", "mode"), KINDS)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last_3d])
def test_values_and_gradients_agree_with_the_plain_form(
    kind: type[nn.Module], mode: str, layout: torch.memory_format
) -> None:
    block, twin, plain = block_and_twin(kind, mode)
    block.to(memory_format=layout)
    xs = [torch.randn(2, 16, 5, 3, 7).contiguous(memory_format=layout).requires_grad_() for _ in range(2)]
    xs[1].data.copy_(xs[0].data)
    made, wanted = block(xs[0]), plain(xs[1])
    assert made.shape == (2, 8, 10, 6, 14)
    assert (made - wanted).abs().max() <= 1e-4
    (made**2).sum().backward()
    (wanted**2).sum().backward()
    leaves = zip([xs[0], *block.parameters()], [xs[1], *twin.parameters()], strict=True)
    for ours, theirs in leaves:
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(("kind", "mode"), KINDS)
def test_in_bfloat16_it_is_within_two_per_cent(kind: type[nn.Module], mode: str) -> None:
    block, _, plain = block_and_twin(kind, mode)
    x = torch.randn(1, 16, 6, 5, 4)
    wanted = plain(x)
    made = block.bfloat16()(x.bfloat16().contiguous(memory_format=torch.channels_last_3d)).float()
    assert (made - wanted).norm() <= 0.02 * wanted.norm()


def test_each_output_reads_its_own_pair() -> None:
    weight = torch.zeros(1, 1, 3, 3, 3)
    weight[0, 0, :, 1, 1] = torch.tensor([1.0, 10.0, 100.0])
    taps = folded_kernel(weight)[0, 0]
    # Along x, even outputs read by taps 3 and 1, odd ones by 2 and 0; along y and z the voxel itself, taps 1 and 2.
    assert taps[:, 1, 1].tolist() == taps[:, 1, 2].tolist() == [100, 110, 11, 1]
    assert taps[:, 0].abs().sum() == taps[:, :, 3].abs().sum() == 0


def test_linear_doubling_is_pytorchs() -> None:
    x = torch.randn(1, 2, 1, 3, 4, dtype=torch.float64)
    torch.testing.assert_close(doubled_linearly(x), F.interpolate(x, scale_factor=2.0, mode="trilinear"))
