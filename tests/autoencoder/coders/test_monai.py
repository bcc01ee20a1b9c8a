"""The paper's coder computes what MONAI's own network computes with the same weights."""

import torch
from monai.networks.nets.autoencoderkl import AutoencoderKL

from tlesynth.autoencoder.coders.monai import MonaiCoder
from tlesynth.recipe import AutoencoderNetwork


def test_it_is_monais_network() -> None:
    torch.manual_seed(0)
    ours = MonaiCoder(AutoencoderNetwork(channels=(4, 8, 8), norm_groups=2), -6.0)
    theirs = AutoencoderKL(
        spatial_dims=3,
        in_channels=1,
        out_channels=1,
        channels=(4, 8, 8),
        num_res_blocks=1,
        latent_channels=4,
        norm_num_groups=2,
        attention_levels=(False, False, False),
        with_encoder_nonlocal_attn=False,
        with_decoder_nonlocal_attn=False,
    )
    theirs.load_state_dict(ours.kl.state_dict())
    x = torch.rand(1, 1, 16, 20, 16)
    mean, _ = ours.encode(x)
    torch.testing.assert_close(mean, theirs.encode(x)[0])
    torch.testing.assert_close(ours.decode(mean), theirs.decode(mean), atol=1e-5, rtol=1e-4)
