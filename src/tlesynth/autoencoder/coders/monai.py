"""The paper's network: MONAI's KL autoencoder with three levels of residual blocks, of which two halve the resolution.

With ``upsampling: trilinear`` it is MAISI's, which doubles linearly where MONAI's repeats voxels.

B batch, C latent channels, X Y Z voxels of the grid (right, anterior, superior), x y z = X/4 Y/4 Z/4.
"""

from __future__ import annotations

from monai.networks.nets.autoencoderkl import AutoencoderKL
from torch import Tensor, nn

from tlesynth.autoencoder.coders.passage import passage
from tlesynth.autoencoder.coders.steady_norm import steady
from tlesynth.autoencoder.coders.upsampling import FoldedUpsample, LinearUpsample, replace_upsampling
from tlesynth.recipe import AutoencoderNetwork


class MonaiCoder(nn.Module):
    """Encodes volumes (B, 1, X, Y, Z) to posteriors (B, C, x, y, z), decodes latents; no attention anywhere."""

    def __init__(self, settings: AutoencoderNetwork, first_logvar: float) -> None:
        super().__init__()
        self.kl = AutoencoderKL(
            spatial_dims=3,
            in_channels=1,
            out_channels=1,
            channels=settings.channels,
            num_res_blocks=settings.residual_blocks,
            latent_channels=settings.latent_channels,
            norm_num_groups=settings.norm_groups,
            attention_levels=(False, False, False),
            with_encoder_nonlocal_attn=False,
            with_decoder_nonlocal_attn=False,
        )
        kind = FoldedUpsample if settings.upsampling == "nearest" else LinearUpsample
        replace_upsampling(_blocks(self.kl.decoder), kind)
        steady(self.kl)
        self._pass = passage(settings.checkpoint_activations)
        nn.init.constant_(self.kl.get_parameter("quant_conv_log_sigma.conv.bias"), first_logvar)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of ``x`` (B, 1, X, Y, Z): each (B, C, x, y, z)."""
        hidden = self._pass(_blocks(self.kl.encoder), x)  # (B, C, x, y, z)
        return self.kl.quant_conv_mu(hidden), self.kl.quant_conv_log_sigma(hidden)

    def decode(self, latent: Tensor) -> Tensor:
        """Volumes (B, 1, X, Y, Z) of latents (B, C, x, y, z)."""
        return self._pass(_blocks(self.kl.decoder), self.kl.post_quant_conv(latent))


def _blocks(half: nn.Module) -> nn.ModuleList:
    """What MONAI's encoder or decoder passes its input through, one after the other."""
    blocks = half.get_submodule("blocks")
    assert isinstance(blocks, nn.ModuleList)
    return blocks
