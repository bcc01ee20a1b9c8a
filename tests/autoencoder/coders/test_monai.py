"""The paper's coder computes what MONAI's own network computes, from the same initial weights on."""

import pytest
import torch
from monai.networks.nets.autoencoderkl import AutoencoderKL

from tlesynth.autoencoder.coders.monai import MonaiCoder
from tlesynth.recipe import AutoencoderNetwork


def monais(channels: tuple[int, ...], blocks: int) -> AutoencoderKL:
    torch.manual_seed(0)
    return AutoencoderKL(
        spatial_dims=3,
        in_channels=1,
        out_channels=1,
        channels=channels,
        num_res_blocks=blocks,
        latent_channels=4,
        norm_num_groups=2,
        attention_levels=(False, False, False),
        with_encoder_nonlocal_attn=False,
        with_decoder_nonlocal_attn=False,
    )


@pytest.mark.parametrize(("channels", "blocks"), [((4, 8, 8), 1), ((4, 6, 8), 2)])
def test_it_is_monais_network(channels: tuple[int, ...], blocks: int) -> None:
    theirs = monais(channels, blocks)
    torch.manual_seed(0)
    ours = MonaiCoder(AutoencoderNetwork(channels=channels, residual_blocks=blocks, norm_groups=2), -6.0)
    mine, wanted = ours.kl.state_dict(), theirs.state_dict()
    assert list(mine) == list(wanted)
    noisy = "quant_conv_log_sigma.conv.bias"
    assert bool((mine[noisy] == -6).all())
    assert all(torch.equal(mine[name], value) for name, value in wanted.items() if name != noisy)
    theirs.load_state_dict(mine)
    x = torch.rand(1, 1, 16, 20, 16)
    mean, logvar = ours.encode(x)
    found = theirs.encode(x)
    torch.testing.assert_close(mean, found[0])
    torch.testing.assert_close(torch.exp(0.5 * logvar), found[1])
    torch.testing.assert_close(ours.decode(mean), theirs.decode(mean), atol=1e-5, rtol=1e-4)
