"""The folded upsampling is the same function as nearest upsampling and a convolution."""

import torch
import torch.nn.functional as F
from monai.networks.nets.autoencoderkl import AutoencoderKL

from tlesynth.autoencoder.upsampling import FoldedUpsample, fold_upsampling


def network() -> AutoencoderKL:
    torch.manual_seed(0)
    return AutoencoderKL(
        spatial_dims=3,
        channels=(4, 8, 8),
        num_res_blocks=1,
        latent_channels=2,
        norm_num_groups=2,
        attention_levels=(False,) * 3,
        with_encoder_nonlocal_attn=False,
        with_decoder_nonlocal_attn=False,
    )


def test_a_folded_decoder_decodes_the_same_and_keeps_its_names() -> None:
    ours = network()
    z = torch.randn(2, 2, 3, 4, 5)
    names, before = list(ours.state_dict()), ours.decode(z)
    fold_upsampling(ours.decoder.get_submodule("blocks"))
    assert sum(isinstance(block, FoldedUpsample) for block in ours.decoder.modules()) == 2
    assert list(ours.state_dict()) == names
    torch.testing.assert_close(ours.decode(z), before, rtol=1e-4, atol=1e-5)


def test_gradients_agree_with_the_plain_form() -> None:
    plain, folded = network(), network()
    fold_upsampling(folded.decoder.get_submodule("blocks"))
    block = next(b for b in folded.decoder.modules() if isinstance(b, FoldedUpsample))
    twin = next(m for m in plain.decoder.modules() if hasattr(m, "postconv"))
    x = torch.randn(1, 8, 3, 3, 3)
    (block(x) ** 2).sum().backward()
    (twin.postconv(F.interpolate(x, scale_factor=2.0, mode="nearest")) ** 2).sum().backward()
    for ours, theirs in zip(block.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-4)
