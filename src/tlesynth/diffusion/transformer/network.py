"""DiT-3D in a latent space: a transformer over patches of a non-cubic 3D latent (paper, section 3.2 and figure 2).

Written from the papers (DiT, arXiv 2212.09748; DiT-3D, arXiv 2307.01831). The timestep enters by adaLN-Zero. Each
condition is one more token behind the patch tokens, dropped again before the patches are put together (``token``, the
paper), or is added to the timestep's code (``adaln``), or both. Attention is global unless the recipe names windows:
at the paper's 7 x 17 x 7 = 833 tokens a window saves little.

Between blocks tokens are float32 whatever the weights are; linear layers and attention compute in the weights'
precision, or in autocast's.

Shapes: B batch, C channels, X Y Z latent voxels (right, anterior, superior), N patch tokens, K conditions, E width.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from tlesynth.diffusion.conditions import Conditions
from tlesynth.diffusion.transformer.attention import Attention
from tlesynth.diffusion.transformer.embeddings import ConditionEmbedding, TimeEmbedding, positions
from tlesynth.diffusion.transformer.patches import Triple, check_patch, patchify, unpatchify
from tlesynth.diffusion.transformer.windows import WindowedAttention
from tlesynth.recipe import DiffusionNetwork


class DiT3D(nn.Module):
    """Predicts the noise (or velocity) of a noisy latent, given its time and conditions.

    Args:
        settings: patch, depth, width, heads, MLP ratio, how conditions enter, and windows.
        latent_shape: (C, X, Y, Z).
        spacing_mm: size of a latent voxel on each axis, in mm.
        conditions: what a latent is conditioned on, one column each.

    Raises:
        TlesynthError: CFG-003 if the patch does not divide the latent.

    Example:
        network = DiT3D(DiffusionNetwork(), (4, 28, 34, 28), (6.0, 6.0, 6.0), conditions)
        noise = network(z, times, conditions.null(len(z)))  # (B, 4, 28, 34, 28)
    """

    positions: Tensor

    def __init__(
        self,
        settings: DiffusionNetwork,
        latent_shape: tuple[int, int, int, int],
        spacing_mm: tuple[float, ...],
        conditions: Conditions,
    ) -> None:
        super().__init__()
        check_patch(latent_shape[1:], settings.patch)
        (c, x, y, z), (px, py, pz) = latent_shape, settings.patch
        self.latent_shape, self.patch, self.tokens = latent_shape, settings.patch, (x // px, y // py, z // pz)
        values, width = c * math.prod(settings.patch), settings.width
        patch_mm = tuple(p * mm for p, mm in zip(settings.patch, spacing_mm, strict=True))
        self.as_tokens, self.as_code = settings.conditioning != "adaln", settings.conditioning != "token"

        self.embed = nn.Linear(values, width)
        self.register_buffer("positions", positions(self.tokens, patch_mm, width), persistent=False)
        self.time = TimeEmbedding(width)
        self.conditions = ConditionEmbedding(conditions, width)
        self.blocks = nn.ModuleList(
            Block(width, settings.mlp_ratio, Attention(width, settings.heads, settings.qk_norm, windows))
            for windows in windows_of(settings, self.tokens)
        )
        self.norm = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.modulation = nn.Linear(width, 2 * width)
        self.head = nn.Linear(width, values)
        self._initialise()

    def forward(self, z: Tensor, times: Tensor, conditions: Tensor) -> Tensor:
        """Prediction (B, C, X, Y, Z) in float32 (float64 from float64 weights).

        Args:
            z: noisy latents (B, C, X, Y, Z).
            times: (B,) in [0, 1000], timesteps of a diffusion or 1000 t of a flow.
            conditions: (B, K) float32 as ``Conditions`` makes them, NaN for null.
        """
        dtype = self.embed.weight.dtype
        told = self.conditions(conditions)  # (B, K, E)
        code = self.time(times)  # (B, E)
        if self.as_code:
            code = code + told.sum(dim=1)  # (B, E)
        code = nn.functional.silu(code)
        x = self.embed(patchify(z.to(dtype), self.patch))  # (B, N, E)
        x = x.to(torch.promote_types(dtype, torch.float32)) + self.positions  # (B, N, E)
        if self.as_tokens:
            x = torch.cat([x, told.to(x.dtype)], dim=1)  # (B, N + K, E)
        for block in self.blocks:
            x = block(x, code)  # (B, N + K, E)
        x = x[:, : len(self.positions)]  # (B, N, E)
        shift, scale = self.modulation(code).to(x.dtype)[:, None].chunk(2, dim=-1)  # each (B, 1, E)
        out = self.head(modulate(self.norm(x), shift, scale).to(dtype)).to(x.dtype)  # (B, N, C * px * py * pz)
        return unpatchify(out, self.patch, self.tokens)  # (B, C, X, Y, Z)

    def _initialise(self) -> None:
        """Xavier for linear layers; every block starts as the identity and the output as zero (adaLN-Zero).

        The embeddings of time and conditions have started themselves.
        """
        for part in (self.embed, self.blocks):
            for layer in part.modules():
                if isinstance(layer, nn.Linear):
                    nn.init.xavier_uniform_(layer.weight)
                    nn.init.zeros_(layer.bias)
        for name, parameter in self.named_parameters():
            if "modulation." in name or name.startswith("head."):
                nn.init.zeros_(parameter)


class Block(nn.Module):
    """Attention and MLP, each shifted, scaled and gated by the code of time (adaLN-Zero; DiT, figure 3)."""

    def __init__(self, width: int, mlp_ratio: float, attention: Attention) -> None:
        super().__init__()
        hidden = int(width * mlp_ratio)
        self.norm_attention = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.attention = attention
        self.norm_mlp = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        # The erf form of GELU: on a CPU the tanh form is four times slower.
        self.mlp = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))
        self.modulation = nn.Linear(width, 6 * width)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """Tokens ``x`` (B, N + K, E) and the code of time ``code`` (B, E) to tokens (B, N + K, E)."""
        dtype = self.modulation.weight.dtype
        modulation = self.modulation(code).to(x.dtype)[:, None]  # (B, 1, 6 E)
        shift_a, scale_a, gate_a, shift_m, scale_m, gate_m = modulation.chunk(6, dim=-1)  # each (B, 1, E)
        attended = self.attention(modulate(self.norm_attention(x), shift_a, scale_a).to(dtype))  # (B, N + K, E)
        x = torch.addcmul(x, gate_a, attended.to(x.dtype))
        made = self.mlp(modulate(self.norm_mlp(x), shift_m, scale_m).to(dtype))  # (B, N + K, E)
        return torch.addcmul(x, gate_m, made.to(x.dtype))


def windows_of(settings: DiffusionNetwork, tokens: Triple) -> list[WindowedAttention | None]:
    """For each block its windows over the grid of ``tokens``, or none; every second of those named is shifted."""
    named = sorted(set(settings.windows.blocks))
    return [
        WindowedAttention(tokens, settings.windows.size, settings.windows.shifted and named.index(block) % 2 == 1)
        if block in named
        else None
        for block in range(settings.depth)
    ]


def modulate(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """``x`` (B, N, E) scaled by 1 + ``scale`` and shifted, both (B, 1, E)."""
    return torch.addcmul(shift, x, 1 + scale)
