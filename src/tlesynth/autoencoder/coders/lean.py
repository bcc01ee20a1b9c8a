"""Our network: no convolution at full resolution, and a start that is already the best linear autoencoder.

In the paper's network most of the work is done on the finest grid, where the fewest features are. Here a volume is
folded into channels (space to depth) before the first convolution and unfolded after the last one, so that the same
quality costs a fraction of the time. Beside the convolutions runs a linear path, patch to latent to patch; before
training it is set to the principal components of the training scans' patches, so that the network only learns what they
miss.

B batch, C latent channels, X Y Z voxels of the grid (right, anterior, superior), x y z = X/4 Y/4 Z/4.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tlesynth.autoencoder.coders.passage import passage
from tlesynth.recipe import AutoencoderNetwork

PATCH = 4
"""Voxels a side of what one latent stands for."""
VOXELS = PATCH**3
LEAST_SQUARE = 1e-4
"""Added to a voxel's mean square feature: background, where all features are small, is not blown up."""


class VoxelNorm(nn.Module):
    """Features of each voxel divided by their root mean square: (B, E, x, y, z) -> the same.

    Nothing is averaged over space, so that a crop, a tile and a whole volume are computed alike: what was learned on
    crops holds on volumes. Source: Zhang and Sennrich 2019 (RMSNorm), over channels.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise; channels are last in memory, where they are cheapest to sum over."""
        rows = x.permute(0, 2, 3, 4, 1)  # (B, x, y, z, E)
        return F.rms_norm(rows, (x.shape[1],), self.gain.to(x.dtype), LEAST_SQUARE).permute(0, 4, 1, 2, 3)


class Residual(nn.Module):
    """x + conv(silu(conv(silu(norm(x))))), the identity at the start: (B, E, x, y, z) -> the same."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = VoxelNorm(width)
        self.conv_1, self.conv_2 = nn.Conv3d(width, width, 3, padding=1), _zeroed(nn.Conv3d(width, width, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        """One block."""
        return x + self.conv_2(F.silu(self.conv_1(F.silu(self.norm(x)))))


class LeanCoder(nn.Module):
    """Encodes volumes (B, 1, X, Y, Z) to posteriors (B, C, x, y, z), decodes latents."""

    def __init__(self, settings: AutoencoderNetwork, first_logvar: float) -> None:
        super().__init__()
        half, quarter = settings.channels
        depth, latent = settings.residual_blocks, settings.latent_channels
        self.encode_half = nn.Sequential(nn.Conv3d(8, half, 3, padding=1), *_blocks(depth, half))
        self.encode_quarter = nn.Sequential(
            nn.Conv3d(8 * half, quarter, 1), *_blocks(depth, quarter), VoxelNorm(quarter), nn.SiLU()
        )
        self.mean, self.logvar = (_zeroed(nn.Conv3d(quarter, latent, 3, padding=1)) for _ in range(2))
        nn.init.constant_(self.logvar.bias, first_logvar)  # ty: ignore[invalid-argument-type]
        self.decode_quarter = nn.Sequential(
            nn.Conv3d(latent, quarter, 3, padding=1),
            *_blocks(depth + 1, quarter),
            nn.Conv3d(quarter, 8 * half, 1),
        )
        self.decode_half = nn.Sequential(
            *_blocks(depth, half),
            VoxelNorm(half),
            nn.SiLU(),
            _zeroed(nn.Conv3d(half, 8, 3, padding=1)),
        )
        self.from_patch, self.to_patch = nn.Conv3d(VOXELS, latent, 1), nn.Conv3d(latent, VOXELS, 1)
        self._pass = passage(settings.checkpoint_activations)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of ``x`` (B, 1, X, Y, Z): each (B, C, x, y, z)."""
        hidden = self._pass(self.encode_half, space_to_depth(x, 2))  # (B, half, X/2, Y/2, Z/2)
        hidden = self._pass(self.encode_quarter, space_to_depth(hidden, 2))  # (B, quarter, x, y, z)
        return self.from_patch(space_to_depth(x, PATCH)) + self.mean(hidden), self.logvar(hidden)

    def decode(self, latent: Tensor) -> Tensor:
        """Volumes (B, 1, X, Y, Z) of latents (B, C, x, y, z)."""
        hidden = depth_to_space(self._pass(self.decode_quarter, latent), 2)  # (B, half, X/2, Y/2, Z/2)
        fine = depth_to_space(self._pass(self.decode_half, hidden), 2)  # (B, 1, X, Y, Z)
        return fine + depth_to_space(self.to_patch(latent), PATCH)

    @torch.no_grad()
    def start_linear(self, voxels: Tensor) -> None:
        """Set the linear path to the first C principal components of patches, latents of variance 1.

        ``voxels`` (N, X, Y, Z) on [0, 1]; patches of nothing but background are left out.
        """
        centre, covariance = patch_moments(voxels)
        values, vectors = torch.linalg.eigh(covariance)
        kept = values.argsort(descending=True)[: self.to_patch.in_channels]
        basis = vectors[:, kept]  # (64, C)
        # The sign of an eigenvector is free; this one does not depend on the linear algebra library.
        basis = basis * basis.gather(0, basis.abs().argmax(0, keepdim=True)).sign()
        spread = values[kept].clamp_min(1e-8).sqrt()
        analysis, synthesis = (basis / spread).T, basis * spread
        _set(self.from_patch, analysis, -analysis @ centre)
        _set(self.to_patch, synthesis, centre)


def patch_moments(voxels: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (64,) and covariance (64, 64) of the 4 x 4 x 4 patches of volumes (N, X, Y, Z) that hold any brain."""
    total, outer, count = torch.zeros(VOXELS).double(), torch.zeros(VOXELS, VOXELS).double(), 0
    for volume in voxels:
        patches = space_to_depth(volume[None, None].float(), PATCH)[0].flatten(1).T.double()  # (patches, 64)
        patches = patches[patches.amax(1) > 0]
        total += patches.sum(0)
        outer += patches.T @ patches
        count += len(patches)
    centre = total / max(count, 1)
    return centre.float(), (outer / max(count, 1) - torch.outer(centre, centre)).float()


def space_to_depth(x: Tensor, factor: int) -> Tensor:
    """Fold blocks into channels: (B, C, X, Y, Z) -> (B, C f^3, X/f, Y/f, Z/f), channels last in memory."""
    batch, channels, *sides = x.shape
    x_, y_, z_ = (side // factor for side in sides)
    folded = x.reshape(batch, channels, x_, factor, y_, factor, z_, factor).permute(0, 1, 3, 5, 7, 2, 4, 6)
    folded = folded.reshape(batch, channels * factor**3, x_, y_, z_)
    return folded.contiguous(memory_format=torch.channels_last_3d)


def depth_to_space(x: Tensor, factor: int) -> Tensor:
    """Unfold channels into blocks, the inverse: (B, C f^3, X, Y, Z) -> (B, C, X f, Y f, Z f)."""
    batch, channels, x_, y_, z_ = x.shape
    kept = channels // factor**3
    unfolded = x.reshape(batch, kept, factor, factor, factor, x_, y_, z_).permute(0, 1, 5, 2, 6, 3, 7, 4)
    unfolded = unfolded.reshape(batch, kept, x_ * factor, y_ * factor, z_ * factor)
    return unfolded.contiguous(memory_format=torch.channels_last_3d)


def _blocks(number: int, width: int) -> list[nn.Module]:
    return [Residual(width) for _ in range(number)]


def _set(conv: nn.Conv3d, weight: Tensor, bias: Tensor) -> None:
    """Make a 1 x 1 x 1 convolution the map of ``weight`` (out, in) and ``bias`` (out,)."""
    conv.load_state_dict({"weight": weight[:, :, None, None, None], "bias": bias})


def _zeroed(conv: nn.Conv3d) -> nn.Conv3d:
    """``conv`` with weights and bias at 0: what it is added to stays as it is at the start."""
    nn.init.zeros_(conv.weight)
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
    return conv
