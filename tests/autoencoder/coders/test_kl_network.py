"""The layers are MONAI's (``test_monai.py`` compares the whole); each keeps, halves or doubles as it says."""

import torch

from tlesynth.autoencoder.coders.kl_network import Halving, Residual, convolution, decoder_blocks, encoder_blocks
from tlesynth.autoencoder.coders.steady_norm import SteadyGroupNorm
from tlesynth.recipe import AutoencoderNetwork


def test_a_block_that_adds_nothing_is_its_shortcut() -> None:
    x = torch.rand(1, 4, 3, 5, 4)
    for outputs in (4, 6):
        block = Residual(4, outputs, 2)
        torch.nn.init.zeros_(block.conv2.conv.weight)
        torch.nn.init.zeros_(block.conv2.conv.bias)
        assert torch.equal(block(x), x if outputs == 4 else block.nin_shortcut(x))


def test_halving_reads_a_voxel_and_the_two_after_it() -> None:
    halved = Halving(1)
    torch.nn.init.zeros_(halved.conv.conv.weight)
    torch.nn.init.zeros_(halved.conv.conv.bias)
    halved.conv.conv.weight.data[0, 0, :, 0, 0] = torch.tensor([1.0, 10.0, 100.0])
    x = torch.zeros(1, 1, 4, 2, 2)
    x[0, 0, :, 0, 0] = torch.tensor([1.0, 2.0, 3.0, 4.0])
    assert halved(x)[0, 0, :, 0, 0].tolist() == [321, 43]  # behind the last voxel is nothing


def test_every_normalisation_is_the_steady_one() -> None:
    blocks = torch.nn.ModuleList()
    for part in (encoder_blocks, decoder_blocks):
        blocks.extend(part(AutoencoderNetwork(channels=(4, 8, 8), norm_groups=2)))
    norms = [module for module in blocks.modules() if isinstance(module, torch.nn.GroupNorm)]
    assert len(norms) == 14 and all(type(norm) is SteadyGroupNorm for norm in norms)


def test_a_convolution_keeps_the_sides() -> None:
    for side in (1, 3):
        assert convolution(2, 3, side)(torch.rand(1, 2, 4, 5, 6)).shape == (1, 3, 4, 5, 6)
