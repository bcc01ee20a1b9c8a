"""The networks that are compared: ours, the paper's, and MONAI's as their makers configure them.

B batch, C latent channels, X Y Z voxels, x y z = X/4 Y/4 Z/4.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import torch
from monai.apps.generation.maisi.networks.autoencoderkl_maisi import AutoencoderKlMaisi
from monai.networks.nets.autoencoderkl import AutoencoderKL
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from tlesynth import recipe
from tlesynth.autoencoder.inference import Coder, frozen
from tlesynth.autoencoder.networks import COMPRESSION, FIRST_LOGVAR, Autoencoder, Reconstruction, channels_last
from tlesynth.recipe import Inference
from tlesynth.volume import GRIDS, Grid

GRID = GRIDS["mni-1.5mm"]
FULL = GRID.shape
EIGHTH = (112, 68, 28)
"""An eighth of the full volume, to the voxel. MAISI's splitting in 4 along x works on it; on 56 x 68 x 56 it drops
planes."""
TINY = (64, 16, 16)
"""To warm up, and to try a script: its figures mean nothing. MAISI's splits need 64 voxels in x."""
VOLUMES = {"full": FULL, "eighth": EIGHTH, "tiny": TINY}
LATENT = 4
MAISI_WIDTHS, SMALL_WIDTHS = (64, 128, 256), (32, 64, 64)
Precision = Literal["float32", "autocast", "bfloat16"]
"""``autocast``: float32 weights under torch's bfloat16 autocast. ``bfloat16``: weights and activations."""
Built = TypeVar("Built", bound=nn.Module)


class Peer(nn.Module):
    """A MONAI autoencoder behind the interface of ours: ``encode``, ``coder.decode``, a pass with given noise."""

    def __init__(self, coder: AutoencoderKL) -> None:
        super().__init__()
        self.coder = coder

    def forward(self, x: Tensor, noise: Tensor) -> Reconstruction:
        """Volumes (B, 1, X, Y, Z) and noise (B, C, x, y, z) -> reconstruction and posterior."""
        mean, logvar = self.encode(x)
        return Reconstruction(self.coder.decode(mean + torch.exp(0.5 * logvar) * noise), mean, logvar)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance, each (B, C, x, y, z)."""
        mean, deviation = self.coder.encode(x)
        return mean, 2 * deviation.float().log()

    def decode(self, latent: Tensor) -> Tensor:
        """Volumes (B, 1, X, Y, Z) of latents (B, C, x, y, z)."""
        return self.coder.decode(latent)


def recommended_settings() -> recipe.Autoencoder:
    """What the recipe ``recommended`` says of the autoencoder."""
    return recipe.load("recommended").autoencoder


def recommended(grid: Grid = GRID) -> Autoencoder:
    """Our network as the recipe ``recommended`` has it."""
    return Autoencoder(recommended_settings().network, grid)


def paper(grid: Grid = GRID) -> Autoencoder:
    """The paper's network: MONAI's, 64-128-256, one residual block a level, upsampling folded exactly."""
    return Autoencoder(recipe.load("paper").autoencoder.network, grid)


def folded_maisi(grid: Grid = GRID) -> Autoencoder:
    """Our executor of MAISI's widths: two residual blocks a level, upsampling folded exactly."""
    settings = recipe.AutoencoderNetwork(channels=MAISI_WIDTHS, residual_blocks=2, norm_groups=32)
    return Autoencoder(settings, grid)


def maisi(*, norm_float16: bool = False, num_splits: int = 4, dim_split: int = 0) -> Peer:
    """MAISI's autoencoder (its rectified-flow configuration), but for two things that cannot stay on this grid.

    ``norm_float16`` is on there, which raises on a processor. ``dim_split`` is 1 there (Y), where 4 splits of the
    latent's 34 planes drop two and the decoded volume lacks eight: along X (28 planes) nothing is lost.
    """
    network = AutoencoderKlMaisi(
        spatial_dims=3,
        in_channels=1,
        out_channels=1,
        num_res_blocks=(2, 2, 2),
        num_channels=MAISI_WIDTHS,
        attention_levels=(False, False, False),
        latent_channels=LATENT,
        norm_num_groups=32,
        norm_eps=1e-6,
        num_splits=num_splits,
        dim_split=dim_split,
        norm_float16=norm_float16,
    )
    return _started(network)


def monai(channels: tuple[int, ...], residual_blocks: int) -> Peer:
    """MONAI's AutoencoderKL without attention."""
    network = AutoencoderKL(
        spatial_dims=3,
        in_channels=1,
        out_channels=1,
        num_res_blocks=residual_blocks,
        channels=channels,
        attention_levels=(False, False, False),
        latent_channels=LATENT,
        norm_num_groups=32,
        with_encoder_nonlocal_attn=False,
        with_decoder_nonlocal_attn=False,
    )
    return _started(network)


def small() -> Peer:
    """MONAI's AutoencoderKL 32-64-64, one residual block a level."""
    return monai(SMALL_WIDTHS, 1)


@dataclass(frozen=True)
class Side:
    """A network ready to infer in one precision."""

    name: str
    about: str
    coder: Coder
    precision: Precision
    parameters: int

    def encode(self, x: Tensor) -> Tensor:
        """Posterior mean of volumes (B, 1, X, Y, Z): (B, C, x, y, z) float32."""
        with torch.no_grad(), self._computing():
            return self.coder.encode(x)[0].float()

    def decode(self, z: Tensor) -> Tensor:
        """Volumes (B, 1, X, Y, Z) float32 of latents (B, C, x, y, z)."""
        with torch.no_grad(), self._computing():
            return self.coder.decode(z).float()

    def result(self) -> dict[str, Any]:
        """The side's entry in the JSON file."""
        return {"about": self.about, "precision": self.precision, "parameters": self.parameters}

    def _computing(self) -> torch.autocast:
        return torch.autocast("cpu", torch.bfloat16, enabled=self.precision == "autocast")


def our_side(name: str, network: Autoencoder, precision: Precision) -> Side:
    """Our network as the product encodes and decodes with it."""
    how = Inference(precision="bf16-true" if precision == "bfloat16" else "32-true")
    coder = frozen(channels_last(network).eval().coder, how, torch.device("cpu"), COMPRESSION)
    about = ", ".join(f"{key} {value}" for key, value in network.settings.model_dump(mode="json").items())
    return Side(name, about, coder, precision, _size(network))


def peer_side(name: str, network: Peer, precision: Precision) -> Side:
    """A MONAI network as released, in float32 or under autocast."""
    return Side(name, type(network.coder).__name__, network.eval(), precision, _size(network))


def seeded(build: Callable[[], Built]) -> Built:
    """The network with weights drawn from seed 0."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build()


def gflop(build: Callable[[], nn.Module]) -> dict[str, float]:
    """Operations of one full volume by shapes alone (1 multiply-add = 2): encode and decode, in 10^9."""
    counted = {}
    with torch.device("meta"), torch.no_grad():
        network = build()
        x, z = torch.empty(1, 1, *FULL), torch.empty(1, LATENT, *(side // 4 for side in FULL))
        for name, work in (("encode", lambda: network.encode(x)), ("decode", lambda: network.coder.decode(z))):
            with FlopCounterMode(display=False) as counter:
                work()
            counted[name] = round(counter.get_total_flops() / 1e9, 1)
    return counted


def scale_of(shape: tuple[int, ...]) -> float:
    """How many of such volumes make a full one."""
    return math.prod(FULL) / math.prod(shape)


def random_volume(shape: tuple[int, ...], batch: int = 1) -> Tensor:
    """Uniform noise (B, 1, X, Y, Z) on [0, 1]: the work does not depend on what is seen."""
    return torch.rand(batch, 1, *shape, generator=torch.Generator().manual_seed(1))


def random_latent(shape: tuple[int, ...], batch: int = 1) -> Tensor:
    """Normal noise (B, C, x, y, z) for volumes of ``shape``."""
    return torch.randn(batch, LATENT, *(n // 4 for n in shape), generator=torch.Generator().manual_seed(2))


def _started(network: AutoencoderKL) -> Peer:
    """With our first log-variance: unit noise would drown four channels in the first hundreds of steps."""
    nn.init.constant_(network.quant_conv_log_sigma.conv.bias, FIRST_LOGVAR)
    return Peer(network)


def _size(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())
