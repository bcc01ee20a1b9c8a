"""A trained coder as encoding and sampling run it: in the recipe's precision, whole or in tiles."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from tlesynth.autoencoder.tiling import Tiling, tiled_down, tiled_up
from tlesynth.recipe import Inference
from tlesynth.training.device import in_bfloat16


class Coder(Protocol):
    """What both designs are: volumes (B, 1, X, Y, Z) to posteriors (B, C, x, y, z), and latents back to volumes."""

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance."""
        ...

    def decode(self, latent: Tensor) -> Tensor:
        """Volumes."""
        ...


@dataclass(frozen=True)
class FrozenCoder:
    """A coder that no longer learns; float32 in, float32 out, whatever lies between."""

    coder: Coder
    dtype: torch.dtype
    tiling: Tiling | None
    factor: int

    @property
    def about(self) -> dict[str, Any]:
        """What results depend on besides the weights, as JSON."""
        tiles = "none" if self.tiling is None else {"sides": list(self.tiling.sides), "overlap": self.tiling.overlap}
        return {"precision": str(self.dtype).removeprefix("torch."), "tiles": tiles}

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of ``x`` (B, 1, X, Y, Z): each (B, C, x, y, z) float32."""
        if self.tiling is None:
            return self._encode(x)
        mean, logvar = tiled_down(self._encode, x, self.tiling, self.factor)
        return mean, logvar

    def decode(self, latent: Tensor) -> Tensor:
        """Volumes (B, 1, X, Y, Z) float32 of latents (B, C, x, y, z)."""
        return self._decode(latent) if self.tiling is None else tiled_up(self._decode, latent, self.tiling, self.factor)

    @torch.no_grad()
    def _encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, logvar = self.coder.encode(self._laid_out(x))
        return mean.float(), logvar.float()

    @torch.no_grad()
    def _decode(self, latent: Tensor) -> Tensor:
        return self.coder.decode(self._laid_out(latent)).float()

    def _laid_out(self, x: Tensor) -> Tensor:
        return x.to(self.dtype).contiguous(memory_format=torch.channels_last_3d)


def about_of(settings: Inference, device: torch.device) -> dict[str, Any]:
    """What ``FrozenCoder.about`` will say of any coder run as ``settings`` want it on ``device``."""
    return frozen(nn.Identity(), settings, device, 1).about


def frozen(coder: nn.Module, settings: Inference, device: torch.device, factor: int) -> FrozenCoder:
    """``coder`` as ``settings`` want it run; in bfloat16 it is a copy, so that the weights themselves stay float32.

    The copy does not follow later changes of the weights: freeze what has been loaded, not what still learns.
    """
    tiling = None if settings.tile == "none" else Tiling(settings.tile, settings.overlap)
    half = in_bfloat16(settings.precision, device.type)
    if half:
        coder = copy.deepcopy(coder).bfloat16()
    return FrozenCoder(coder, torch.bfloat16 if half else torch.float32, tiling, factor)  # ty: ignore[invalid-argument-type]
