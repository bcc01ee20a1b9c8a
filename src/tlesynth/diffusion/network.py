"""DiT-3D in a latent space: a transformer over patches of a non-cubic 3D latent (paper, section 3.2 and figure 2).

Written from the papers (DiT, arXiv 2212.09748; DiT-3D, arXiv 2307.01831). The timestep enters by adaLN-Zero, the class
as one more token behind the patch tokens, dropped again before the patches are put together. Attention is global: at
the paper's 7 x 17 x 7 = 833 tokens a window would save little, and the released window code never ran.

Shapes: B batch, C channels, X Y Z latent voxels (right, anterior, superior), N patch tokens, E width, H heads, D = E/H.
"""

from __future__ import annotations

import math

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from tlesynth.errors import fail
from tlesynth.recipe import DiffusionNetwork

FREQUENCIES = 256
"""Length of the timestep's sine-cosine code."""
SHORTEST_MM, LONGEST_MM = 24.0, 1000.0
"""Wavelengths of the position code: from two latent voxels of the 3 mm grid to several times the head."""


class DiT3D(nn.Module):
    """Predicts the noise (or velocity) of a noisy latent, given its timestep and class.

    Args:
        settings: patch, depth, width, heads and MLP ratio.
        latent_shape: (C, X, Y, Z).
        spacing_mm: size of a latent voxel on each axis, in mm.
        class_count: number of class embeddings, the null class among them.

    Raises:
        TlesynthError: CFG-003 if the patch does not divide the latent.

    Example:
        network = DiT3D(DiffusionNetwork(), (4, 28, 34, 28), (6.0, 6.0, 6.0), class_count=3)
        noise = network(z, timesteps, labels)  # (B, 4, 28, 34, 28)
    """

    def __init__(
        self,
        settings: DiffusionNetwork,
        latent_shape: tuple[int, int, int, int],
        spacing_mm: tuple[float, ...],
        class_count: int,
    ) -> None:
        super().__init__()
        check_patch(latent_shape[1:], settings.patch)
        self.patch, self.latent_shape, width = (settings.patch, latent_shape, settings.width)
        self.tokens = tuple(n // p for n, p in zip(latent_shape[1:], settings.patch, strict=True))
        values = latent_shape[0] * math.prod(settings.patch)
        patch_mm = tuple(p * s for p, s in zip(settings.patch, spacing_mm, strict=True))

        self.embed = nn.Linear(values, width)
        self.register_buffer("positions", positions(self.tokens, patch_mm, width), persistent=False)
        self.classes = nn.Embedding(class_count, width)
        self.time = nn.Sequential(nn.Linear(FREQUENCIES, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())
        self.blocks = nn.ModuleList(Block(width, settings.heads, settings.mlp_ratio) for _ in range(settings.depth))
        self.norm = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.modulation = nn.Linear(width, 2 * width)
        self.head = nn.Linear(width, values)
        self._initialise()

    def forward(self, z: Tensor, timesteps: Tensor, labels: Tensor) -> Tensor:
        """Prediction (B, C, X, Y, Z) for noisy latents ``z`` (B, C, X, Y, Z), ``timesteps`` (B,), ``labels`` (B,)."""
        time = self.time(sinusoids(timesteps.float(), FREQUENCIES).to(z.dtype))  # (B, E)
        x = self.embed(self.patchify(z)) + self.positions.to(z.dtype)  # (B, N, E)
        x = torch.cat([x, self.classes(labels)[:, None].to(x.dtype)], dim=1)  # (B, N + 1, E)
        for block in self.blocks:
            x = block(x, time)  # (B, N + 1, E)
        x = x[:, :-1]  # (B, N, E)
        shift, scale = self.modulation(time)[:, None].chunk(2, dim=-1)  # each (B, 1, E)
        x = self.head(modulate(self.norm(x), shift, scale))  # (B, N, C * px * py * pz)
        return self.unpatchify(x)  # (B, C, X, Y, Z)

    def patchify(self, z: Tensor) -> Tensor:
        """Latents (B, C, X, Y, Z) as patch tokens (B, N, C * px * py * pz)."""
        px, py, pz = self.patch
        return rearrange(z, "b c (x px) (y py) (z pz) -> b (x y z) (c px py pz)", px=px, py=py, pz=pz)

    def unpatchify(self, tokens: Tensor) -> Tensor:
        """The inverse of ``patchify``."""
        (px, py, pz), (x, y, _) = self.patch, self.tokens
        return rearrange(tokens, "b (x y z) (c px py pz) -> b c (x px) (y py) (z pz)", px=px, py=py, pz=pz, x=x, y=y)

    def _initialise(self) -> None:
        """Xavier for linear layers; every block starts as the identity and the output as zero (adaLN-Zero)."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        nn.init.normal_(self.classes.weight, std=0.02)
        for layer in self.time:
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=0.02)
        for name, weight in self.named_parameters():
            if name.endswith(("modulation.weight", "head.weight")):
                nn.init.zeros_(weight)


class Block(nn.Module):
    """Attention and MLP, each shifted, scaled and gated by the timestep (adaLN-Zero)."""

    def __init__(self, width: int, heads: int, mlp_ratio: float) -> None:
        super().__init__()
        hidden = int(width * mlp_ratio)
        self.heads = heads
        self.norm_attention = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)
        self.norm_mlp = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        # The erf form of GELU: on a CPU the tanh form is four times slower.
        self.mlp = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))
        self.modulation = nn.Linear(width, 6 * width)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """Tokens ``x`` (B, N, E) and timestep code ``time`` (B, E) to tokens (B, N, E)."""
        shift_a, scale_a, gate_a, shift_m, scale_m, gate_m = self.modulation(time)[:, None].chunk(
            6, dim=-1
        )  # (B, 1, E)
        x = x + gate_a * self._attend(modulate(self.norm_attention(x), shift_a, scale_a))  # (B, N, E)
        return x + gate_m * self.mlp(modulate(self.norm_mlp(x), shift_m, scale_m))  # (B, N, E)

    def _attend(self, x: Tensor) -> Tensor:
        q, k, v = rearrange(self.queries_keys_values(x), "b n (three h d) -> three b h n d", three=3, h=self.heads)
        x = F.scaled_dot_product_attention(q, k, v)  # (B, H, N, D)
        return self.project(rearrange(x, "b h n d -> b n (h d)"))  # (B, N, E)


def modulate(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """``x`` (B, N, E) scaled by 1 + ``scale`` and shifted, both (B, 1, E)."""
    return x * (1 + scale) + shift


def sinusoids(t: Tensor, length: int) -> Tensor:
    """Sine-cosine code (B, length) of times ``t`` (B,), with wavelengths from 2 pi to 2 pi * 10,000."""
    half = length // 2
    angles = t[:, None] * torch.exp(-math.log(10_000) * torch.arange(half, device=t.device) / half)
    return torch.cat([angles.cos(), angles.sin()], dim=-1)


def positions(tokens: tuple[int, ...], patch_mm: tuple[float, ...], width: int) -> Tensor:
    """Sine-cosine code (N, width) of the token centres, in mm from the middle of the box; E / 3 an axis."""
    waves = torch.logspace(math.log10(SHORTEST_MM), math.log10(LONGEST_MM), width // 6, dtype=torch.float64)
    centres = [
        (torch.arange(n, dtype=torch.float64) - (n - 1) / 2) * mm for n, mm in zip(tokens, patch_mm, strict=True)
    ]
    codes = []
    for axis in torch.meshgrid(*centres, indexing="ij"):
        angles = 2 * math.pi * axis.reshape(-1, 1) / waves  # (N, width / 6)
        codes += [angles.sin(), angles.cos()]
    return torch.cat(codes, dim=1).float()


def check_patch(shape: tuple[int, ...], patch: tuple[int, ...]) -> None:
    """Raise CFG-003, naming the nearest patch that works, unless ``patch`` divides ``shape`` on each axis."""
    nearest = tuple(_nearest_divisor(n, p) for n, p in zip(shape, patch, strict=True))
    if nearest != tuple(patch):
        size = " x ".join(map(str, shape))
        raise fail(
            "CFG-003",
            "diffusion.network.patch",
            f"{list(patch)} does not divide the latent of {size}; the nearest that does is {list(nearest)}",
        )


def _nearest_divisor(n: int, wish: int) -> int:
    return min((d for d in range(1, n + 1) if n % d == 0), key=lambda d: (abs(d - wish), d))
