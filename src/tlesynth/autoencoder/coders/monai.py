"""The paper's network: MONAI's KL autoencoder with three levels of residual blocks, of which two halve the resolution.

With ``upsampling: trilinear`` it is MAISI's, which doubles linearly where MONAI's repeats voxels.

B batch, C latent channels, X Y Z voxels of the grid (right, anterior, superior), x y z = X/4 Y/4 Z/4.
"""

from __future__ import annotations

from torch import Tensor, nn

from tlesynth.autoencoder.coders.kl_network import KlNetwork
from tlesynth.autoencoder.coders.passage import passage
from tlesynth.recipe import AutoencoderNetwork


class MonaiCoder(nn.Module):
    """Encodes volumes (B, 1, X, Y, Z) to posteriors (B, C, x, y, z), decodes latents; no attention anywhere."""

    def __init__(self, settings: AutoencoderNetwork, first_logvar: float) -> None:
        super().__init__()
        self.kl = KlNetwork(settings)
        self._pass = passage(settings.checkpoint_activations)
        nn.init.constant_(self.kl.get_parameter("quant_conv_log_sigma.conv.bias"), first_logvar)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of ``x`` (B, 1, X, Y, Z): each (B, C, x, y, z)."""
        hidden = self._pass(self.kl.encoder.blocks, x)  # (B, C, x, y, z)
        return self.kl.quant_conv_mu(hidden), self.kl.quant_conv_log_sigma(hidden)

    def decode(self, latent: Tensor) -> Tensor:
        """Volumes (B, 1, X, Y, Z) of latents (B, C, x, y, z)."""
        return self._pass(self.kl.decoder.blocks, self.kl.post_quant_conv(latent))
