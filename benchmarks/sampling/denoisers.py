"""The denoisers that are compared: our DiT-3D in each precision and on each kernel, and the UNets of MAISI and MONAI.

Shapes: B batch, C = 4 channels, x y z latent voxels.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any
from unittest import mock

import torch
import torch.nn.functional as F
from machine import bfloat16_is_native
from monai.apps.generation.maisi.networks.diffusion_model_unet_maisi import DiffusionModelUNetMaisi
from monai.networks.nets.diffusion_model_unet import DiffusionModelUNet
from products import fast_float32
from sides import FULL, GRID, LATENT, TINY, seeded
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from tlesynth import recipe
from tlesynth.diffusion.conditions import Condition, Conditions
from tlesynth.diffusion.process import process_of
from tlesynth.diffusion.transformer import DiT3D, kernels
from tlesynth.recipe import DiffusionNetwork
from tlesynth.volume import Grid

CONDITIONS = Conditions(
    (
        Condition("group", ("hc", "tle")),
        Condition("side", ("left", "right"), mirror=(("left", "right"), ("right", "left"))),
    )
)
ASKED = {"group": "tle", "side": "left"}
MULTIPLE = 8
"""MAISI's UNet halves three times: other sides are padded up."""
SHIFT, SMALL = 0.5, 0.02


@dataclass(frozen=True)
class Size:
    """How large everything is in a run of the benchmark."""

    name: str
    volume: tuple[int, int, int]
    network: DiffusionNetwork
    maisi_channels: tuple[int, ...]
    batches: tuple[int, ...]
    train_batch: int

    @property
    def latent(self) -> tuple[int, int, int, int]:
        """(C, x, y, z)."""
        x, y, z = (side // 4 for side in self.volume)
        return (LATENT, x, y, z)

    @property
    def grid(self) -> Grid:
        """The grid of the decoders."""
        return GRID if self.volume == FULL else Grid(self.name, self.volume, 1.5, (0.0, 0.0, 0.0))

    @property
    def padded(self) -> tuple[int, ...]:
        """(x, y, z) as MAISI's UNet takes them."""
        return tuple(-(-n // MULTIPLE) * MULTIPLE for n in self.latent[1:])


RECOMMENDED = recipe.load("recommended").diffusion
PROCESS = process_of(RECOMMENDED.noise)
SIZES = {
    "full": Size(
        "full",
        FULL,
        RECOMMENDED.network,
        (64, 128, 256, 512),
        batches=(1, 4, 16),
        train_batch=4,
    ),
    "tiny": Size(
        "tiny",
        TINY,
        RECOMMENDED.network.model_copy(update={"depth": 2, "width": 48, "heads": 2}),
        (32, 32, 32, 32),
        batches=(1, 2),
        train_batch=2,
    ),
}
"""The paper's size, and one to try a script: its figures mean nothing."""


@dataclass(frozen=True)
class Denoiser:
    """A network that predicts something of a latent, and how it is run."""

    name: str
    about: str
    network: nn.Module
    call: Callable[[nn.Module, Tensor], Tensor]
    around: Callable[[], AbstractContextManager[Any]] = nullcontext

    def __call__(self, z: Tensor) -> Tensor:
        """The prediction for latents (B, C, x, y, z) at one time."""
        with torch.no_grad(), self.around():
            return self.call(self.network, z)

    def result(self) -> dict[str, Any]:
        """Its entry in the JSON file."""
        return {"about": self.about, "parameters": sum(p.numel() for p in self.network.parameters())}


def denoisers(size: Size) -> list[Denoiser]:
    """Ours first, then what it is measured against."""
    native, exact = bfloat16_is_native(), dit(size)
    half = dit(size).bfloat16()
    ours = (
        Denoiser("ours", "bfloat16 weights, attention in chunks", half, _ours)
        if native
        else Denoiser("ours", "float32: this processor has no bfloat16", exact, _ours)
    )
    return [
        ours,
        Denoiser("onednn fp32", "float32 products by oneDNN where they are as exact", exact, _ours, fast_float32),
        Denoiser("plain fp32", "the same weights in torch as it comes: float32, SDPA", exact, _ours, plain_attention),
        Denoiser("plain bf16", "the same weights in bfloat16, SDPA", half, _ours, plain_attention),
        *maisi_denoisers(size),
    ]


def maisi_denoisers(size: Size) -> list[Denoiser]:
    """MAISI's UNet on the latent padded to multiples of 8."""
    unet = seeded(lambda: maisi_unet(size.maisi_channels)).eval()
    about = f"DiffusionModelUNetMaisi as in rflow, flash attention off, latent padded to {_sides(size.padded)}"
    call = lambda network, z: maisi_call(network, padded(z, size.padded))  # noqa: E731
    return [
        Denoiser("maisi fp32", about, unet, call),
        Denoiser("maisi bf16 autocast", about, unet, call, lambda: torch.autocast("cpu", torch.bfloat16)),
    ]


def dit(size: Size, settings: DiffusionNetwork | None = None) -> DiT3D:
    """Our network with drawn weights, none at zero: a new one is the identity, and its error would mean nothing."""
    network = seeded(lambda: DiT3D(settings or size.network, size.latent, (6.0, 6.0, 6.0), CONDITIONS))
    wake(network)
    return network.eval()


def wake(network: nn.Module) -> None:
    """Draw, in place, what a new network starts at zero."""
    draws = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "modulation." in name or "head." in name:
                parameter.normal_(0, SHIFT if name.endswith("modulation.bias") else SMALL, generator=draws)


def maisi_unet(channels: tuple[int, ...], *, flash: bool = False) -> DiffusionModelUNetMaisi:
    """MAISI's denoiser (its rectified-flow configuration): 180.5 M parameters with channels 64, 128, 256, 512.

    Flash attention is on there, which raises without CUDA.
    """
    return DiffusionModelUNetMaisi(
        spatial_dims=3,
        in_channels=LATENT,
        out_channels=LATENT,
        num_channels=channels,
        attention_levels=(False, False, True, True),
        num_head_channels=(0, 0, 32, 32),
        num_res_blocks=2,
        use_flash_attention=flash,
        include_top_region_index_input=False,
        include_bottom_region_index_input=False,
        include_spacing_input=True,
        num_class_embeds=128,
        resblock_updown=True,
        include_fc=True,
    )


def maisi_call(network: nn.Module, z: Tensor) -> Tensor:
    """MAISI's UNet on latents (B, C, x, y, z): it is told a time, a class and a spacing."""
    b, where = len(z), {"device": z.device}
    told = {"class_labels": torch.full((b,), 9, **where), "spacing_tensor": torch.full((b, 3), 150.0, **where)}
    return network(z, timesteps=torch.full((b,), 500.0, **where), **told)


def brain_ldm_unet(channels: tuple[int, int, int] = (256, 512, 768)) -> DiffusionModelUNet:
    """The denoiser of MONAI's brain LDM (model zoo): 553.2 M parameters, 3 channels and 4 of conditions."""
    return DiffusionModelUNet(
        spatial_dims=3,
        in_channels=7,
        out_channels=3,
        channels=channels,
        num_res_blocks=2,
        attention_levels=(False, True, True),
        norm_num_groups=32,
        norm_eps=1e-6,
        resblock_updown=True,
        num_head_channels=(0, *channels[1:]),
        with_conditioning=True,
        transformer_num_layers=1,
        cross_attention_dim=4,
        upcast_attention=True,
        use_flash_attention=False,
    )


def brain_ldm_call(network: nn.Module, z: Tensor) -> Tensor:
    """The brain LDM's UNet on latents (B, 3, x, y, z)."""
    b, where = len(z), {"device": z.device}
    context = torch.zeros(b, 1, 4, **where)
    z = torch.cat([z, torch.zeros(b, 4, *z.shape[2:], **where)], dim=1)
    return network(z, timesteps=torch.full((b,), 500.0, **where), context=context)


@contextlib.contextmanager
def plain_attention() -> Generator[None]:
    """Within it our network attends by torch's own kernel in every precision."""
    with mock.patch.object(kernels, "in_chunks", lambda *_: False):
        yield


def padded(z: Tensor, sides: tuple[int, ...]) -> Tensor:
    """Latents (B, C, x, y, z) with zeros behind, up to ``sides``."""
    return F.pad(z, [n for have, want in zip(z.shape[:1:-1], sides[::-1], strict=True) for n in (0, want - have)])


def noise(size: Size, batch: int = 1) -> Tensor:
    """Normal noise (B, C, x, y, z)."""
    return torch.randn(batch, *size.latent, generator=torch.Generator().manual_seed(2))


def conditions(batch: int) -> Tensor:
    """Left TLE (B, K)."""
    return CONDITIONS.asked([ASKED] * batch, "benchmark")


def gflop(size: Size) -> float:
    """Operations of one pass over one latent, attention included (1 multiply-add = 2), in 10^9.

    Counted by shapes alone, on attention in chunks: torch's counter does not see its own fused kernel.
    """
    with torch.device("meta"), torch.no_grad():
        network = DiT3D(size.network, size.latent, (6.0, 6.0, 6.0), CONDITIONS)
        counted = FlopCounterMode(display=False)
        with mock.patch.object(kernels, "in_chunks", lambda *_: True), counted:
            network(torch.empty(1, *size.latent), torch.empty(1), torch.empty(1, len(CONDITIONS.items)))
    return round(counted.get_total_flops() / 1e9, 3)


def relative(found: Tensor, exact: Tensor) -> float:
    """Difference relative to ``exact`` in the 2-norm."""
    return float((found.double() - exact).norm() / exact.norm())


def _ours(network: nn.Module, z: Tensor) -> Tensor:
    return network(z, torch.full((len(z),), 500.0), conditions(len(z)))


def _sides(sides: tuple[int, ...]) -> str:
    return "x".join(map(str, sides))
