"""The paper's network: MONAI's KL autoencoder with three levels of residual blocks, of which two halve the resolution.

B batch, C latent channels, X Y Z voxels of the grid (right, anterior, superior), x y z = X/4 Y/4 Z/4.
"""

from __future__ import annotations

from monai.networks.nets.autoencoderkl import AutoencoderKL
from torch import Tensor, nn

from tlesynth.autoencoder.upsampling import fold_upsampling
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
        fold_upsampling(self.kl.decoder.get_submodule("blocks"))
        nn.init.constant_(self.kl.get_parameter("quant_conv_log_sigma.conv.bias"), first_logvar)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of ``x`` (B, 1, X, Y, Z): each (B, C, x, y, z)."""
        hidden = self.kl.encoder(x)  # (B, C, x, y, z)
        return self.kl.quant_conv_mu(hidden), self.kl.quant_conv_log_sigma(hidden)

    def decode(self, latent: Tensor) -> Tensor:
        """Volumes (B, 1, X, Y, Z) of latents (B, C, x, y, z)."""
        return self.kl.decode(latent)
