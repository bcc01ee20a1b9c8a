"""A latent as patch tokens and back (DiT, arXiv 2212.09748, section 3.2; in 3D: DiT-3D, arXiv 2307.01831).

Shapes: B batch, C channels, X Y Z latent voxels (right, anterior, superior), N patch tokens, z running fastest.
"""

from __future__ import annotations

from einops import rearrange
from torch import Tensor

from tlesynth.errors import fail

Triple = tuple[int, int, int]


def patchify(z: Tensor, patch: Triple) -> Tensor:
    """Latents (B, C, X, Y, Z) as patch tokens (B, N, C * px * py * pz)."""
    px, py, pz = patch
    return rearrange(z, "b c (x px) (y py) (z pz) -> b (x y z) (c px py pz)", px=px, py=py, pz=pz)


def unpatchify(tokens: Tensor, patch: Triple, grid: Triple) -> Tensor:
    """The inverse of ``patchify``: tokens of a ``grid`` as latents (B, C, X, Y, Z)."""
    (px, py, pz), (x, y, _) = patch, grid
    return rearrange(tokens, "b (x y z) (c px py pz) -> b c (x px) (y py) (z pz)", px=px, py=py, pz=pz, x=x, y=y)


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
