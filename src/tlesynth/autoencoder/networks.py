"""The VAE-GAN's autoencoder, around one of two coders.

Shapes: B batch, C latent channels, X Y Z voxels of the grid (right, anterior, superior), x y z = X/4 Y/4 Z/4.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from tlesynth.autoencoder.coders.lean import LeanCoder
from tlesynth.autoencoder.coders.monai import MonaiCoder
from tlesynth.autoencoder.inference import FrozenCoder, frozen
from tlesynth.errors import fail
from tlesynth.recipe import AutoencoderNetwork, Inference
from tlesynth.volume import Grid

COMPRESSION = 4
"""Voxels of a volume to one of its latent, on each axis."""
FIRST_LOGVAR = -6.0
"""Log-variance at the first step: unit noise would drown four latent channels for the first hundreds of steps."""
LOGVAR_RANGE = (-30.0, 20.0)
LEAST_SIGNAL = 0.04
"""A decoded voxel below this is background, exactly 0 as in every volume on the grid: in real ones 1 % of the brain's
voxels are darker, most of them on its edge."""

Network = TypeVar("Network", bound=nn.Module)


class Reconstruction(NamedTuple):
    """What one pass returns (a tuple, since Fabric and DDP rebuild what a network returns)."""

    x_hat: Tensor
    """(B, 1, X, Y, Z), near [0, 1] but not clipped."""
    mean: Tensor
    """Posterior mean, (B, C, x, y, z)."""
    logvar: Tensor
    """Posterior log-variance, (B, C, x, y, z)."""


class Autoencoder(nn.Module):
    """Volume on [0, 1] (B, 1, X, Y, Z) <-> latent (B, C, x, y, z); owns the latent's mean and scale."""

    latent_mean: Tensor
    latent_scale: Tensor

    def __init__(self, settings: AutoencoderNetwork, grid: Grid) -> None:
        """Build the network for ``grid``.

        Raises:
            TlesynthError: CFG-003 if the grid's sides are not divisible by 4.
        """
        super().__init__()
        if any(side % COMPRESSION for side in grid.shape):
            raise fail("CFG-003", f"grid {grid.name}", _why_not(grid.shape))
        self.settings, self.grid = settings, grid
        design = MonaiCoder if settings.design == "monai" else LeanCoder
        self.coder = design(settings, FIRST_LOGVAR)
        self._frozen: FrozenCoder | None = None
        self.register_buffer("latent_mean", torch.zeros(settings.latent_channels))
        self.register_buffer("latent_scale", torch.ones(settings.latent_channels))

    @property
    def latent_shape(self) -> tuple[int, int, int, int]:
        """(C, x, y, z) of one volume."""
        x, y, z = (side // COMPRESSION for side in self.grid.shape)
        return (self.settings.latent_channels, x, y, z)

    def forward(self, x: Tensor, noise: Tensor) -> Reconstruction:
        """Encode ``x`` (B, 1, X, Y, Z), add ``noise`` (B, C, x, y, z; standard normal, zeros for the mean), decode."""
        mean, logvar = self.coder.encode(x)  # (B, C, x, y, z)
        logvar = logvar.clamp(*LOGVAR_RANGE)
        latent = mean + torch.exp(0.5 * logvar) * noise
        return Reconstruction(self.coder.decode(latent), mean, logvar)

    def run_as(self, settings: Inference) -> Autoencoder:
        """Encode and decode from now on in the precision and the tiles of ``settings``; for weights that are final.

        Training (``forward``) and the fingerprint keep to the float32 weights, whole volumes.
        """
        self._frozen = frozen(self.coder, settings, self.latent_mean.device, COMPRESSION)
        return self

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Posterior mean and log-variance of ``x``, not normalised: each (B, C, x, y, z)."""
        mean, logvar = (self._frozen or self.coder).encode(x)
        return mean, logvar.clamp(*LOGVAR_RANGE)

    @property
    def run_about(self) -> dict[str, Any]:
        """How volumes are encoded and decoded: precision and tiles, as JSON."""
        return {"precision": "float32", "tiles": "none"} if self._frozen is None else self._frozen.about

    def normalise(self, mean: Tensor) -> Tensor:
        """A posterior mean (B, C, x, y, z) with mean 0 and standard deviation 1 per channel over the training set."""
        return (mean - _per_channel(self.latent_mean)) / _per_channel(self.latent_scale)

    @torch.no_grad()
    def to_latents(self, x: Tensor) -> Tensor:
        """Normalised posterior mean of volumes on [0, 1]: (B, 1, X, Y, Z) -> (B, C, x, y, z)."""
        return self.normalise(self.encode(x)[0])

    @torch.no_grad()
    def from_latents(self, z: Tensor) -> Tensor:
        """Volumes on [0, 1], background 0, of normalised latents: (B, C, x, y, z) -> (B, 1, X, Y, Z).

        Volumes are decoded one at a time, to bound memory. A voxel that is not finite stays so, as NaN.
        """
        raw = z * _per_channel(self.latent_scale) + _per_channel(self.latent_mean)
        return torch.cat([_on_scale((self._frozen or self.coder).decode(one)) for one in raw.split(1)])

    @property
    def fingerprint(self) -> str:
        """SHA-256 over every weight, the latent's mean and scale, and the grid: what a diffusion model is bound to."""
        digest = hashlib.sha256(self.grid.fingerprint.encode())
        for name, tensor in sorted(self.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()


def channels_last(network: Network) -> Network:
    """``network`` with its weights laid out channels last, in place; the values stay.

    1.3 times faster on a CPU, and what tensor cores read.
    """
    return network.to(memory_format=torch.channels_last_3d)  # ty: ignore[no-matching-overload]


def _why_not(shape: tuple[int, int, int]) -> str:
    """Which sides 4 does not divide, and the two nearest boxes that it does."""
    cropped, padded = ([side - side % COMPRESSION + extra for side in shape] for extra in (0, COMPRESSION))
    padded = [side if side % COMPRESSION == 0 else larger for side, larger in zip(shape, padded, strict=True)]
    told = " x ".join
    return (
        f"{told(map(str, shape))} voxels, but each side must be a multiple of {COMPRESSION}: "
        f"crop it to {told(map(str, cropped))} or pad it with background to {told(map(str, padded))}"
    )


def _on_scale(decoded: Tensor) -> Tensor:
    """Decoded voxels clipped to [0, 1], faint ones 0, those that are not finite NaN."""
    clipped = decoded.clamp(0, 1)
    return clipped.masked_fill(clipped < LEAST_SIGNAL, 0).masked_fill(~decoded.isfinite(), torch.nan)


def _per_channel(values: Tensor) -> Tensor:
    return values.view(1, -1, 1, 1, 1)
