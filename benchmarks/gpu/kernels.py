"""What the card's own kernels do: convolutions, attention and normalisation in each precision, layout and choice."""

from __future__ import annotations

import argparse
import contextlib
import math
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from clock import Figures, arguments, as_it_comes, placed, timed
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from tlesynth.autoencoder.coders.lean import VoxelNorm
from tlesynth.training.device import compute_repeatably

__all__ = ["ABOUT", "arguments", "run"]

ABOUT = "3D convolution and attention kernels: seconds, rate and error against float64, repeatable ones or any"
SHORT = 0.15
"""Seconds a figure."""
CONVOLUTIONS = {
    "full": {"32 wide, 56x68x56": (4, 32, 56, 68, 56), "128 wide, 28x34x28": (4, 128, 28, 34, 28)}
    | {"64 wide, 112x136x112": (1, 64, 112, 136, 112)},
    "tiny": {"8 wide, 8x8x8": (1, 8, 8, 8, 8)},
}
"""(B, C, X, Y, Z): ours at half and at a quarter of the resolution, the paper's at all of it."""
PRECISIONS = {
    "float32": (torch.float32, False, False),
    "float32, channels last": (torch.float32, True, False),
    "tf32, channels last": (torch.float32, True, True),
    "bfloat16": (torch.bfloat16, False, True),
    "bfloat16, channels last": (torch.bfloat16, True, True),
}
"""Type, whether channels are last in memory, and whether products may be rounded to TF32."""
ATTENTION = {
    "full": {"833 tokens, 1": (1, 6, 833, 64), "833 tokens, 16": (16, 6, 833, 64), "3332 tokens, 4": (4, 6, 3332, 64)},
    "tiny": {"20 tokens, 2": (2, 2, 20, 8)},
}
"""(B, H, N, D): the recipe's tokens at one scan and a batch, and those of the recipe ``fine``."""
BACKENDS = {
    "chosen": None,
    "flash": SDPBackend.FLASH_ATTENTION,
    "cudnn": SDPBackend.CUDNN_ATTENTION,
    "efficient": SDPBackend.EFFICIENT_ATTENTION,
    "math": SDPBackend.MATH,
}


def run(given: argparse.Namespace, out: Path) -> None:
    """Measure every kernel and publish after each."""
    device = placed(given)
    figures = Figures("kernels", out, unit="seconds by CUDA events; errors are relative to float64, in the 2-norm")
    side = 8192 if given.size == "full" else 64
    figures.add("ceilings", "bfloat16 product", lambda: _product(side, device))
    figures.add("ceilings", "copy", lambda: _copy(side, device))
    for name, shape in CONVOLUTIONS[given.size].items():
        for precision, (dtype, last, tf32) in PRECISIONS.items():
            for chosen in ("any", "repeatable", "tried out"):
                if chosen == "any" or precision == "bfloat16, channels last":
                    how = (dtype, last, tf32, chosen)
                    measure = lambda shape=shape, how=how: _convolution(shape, *how, device)  # noqa: E731
                    figures.add("convolution", f"{name}, {precision}, {chosen}", measure)
    for name, shape in ATTENTION[given.size].items():
        for backend, kind in BACKENDS.items():
            for chosen in ("any", "repeatable"):
                measure = lambda shape=shape, kind=kind, chosen=chosen: _attention(shape, kind, chosen, device)  # noqa: E731
                figures.add("attention", f"{name}, {backend}, {chosen}", measure)
    for name, shape in CONVOLUTIONS[given.size].items():
        figures.add("norm", name, lambda shape=shape: _norm(shape, device))
    figures.finish()


def _product(side: int, device: torch.device) -> dict[str, Any]:
    a, b = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
    found = timed(lambda: a @ b, device, SHORT)
    return found | {"tflop_per_s": round(2 * side**3 / found["median_s"] / 1e12, 1)}


def _copy(side: int, device: torch.device) -> dict[str, Any]:
    a = torch.randn(8 * side, side, device=device)
    b = torch.empty_like(a)
    found = timed(lambda: b.copy_(a), device, SHORT)
    return found | {"tb_per_s": round(2 * a.numel() * 4 / found["median_s"] / 1e12, 2)}


def _convolution(
    shape: tuple[int, ...], dtype: torch.dtype, last: bool, tf32: bool, chosen: str, device: torch.device
) -> dict[str, Any]:
    """A 3x3x3 convolution of (B, C, X, Y, Z) to as many channels: forward, and forward with both gradients."""
    draws = torch.Generator().manual_seed(0)
    x, weight = torch.randn(shape, generator=draws), torch.randn(shape[1], shape[1], 3, 3, 3, generator=draws)
    weight /= math.sqrt(27 * shape[1])
    exact = F.conv3d(x[:1].to(device).double(), weight.to(device).double(), padding=1)
    layout = torch.channels_last_3d if last else torch.contiguous_format
    x, weight = (t.to(device, dtype).contiguous(memory_format=layout).requires_grad_() for t in (x, weight))
    with _algorithms(chosen, tf32):
        with torch.no_grad():
            error = _error(F.conv3d(x[:1], weight, padding=1), exact)
            forward = timed(lambda: F.conv3d(x, weight, padding=1), device, SHORT)

        def both() -> None:
            x.grad = weight.grad = None
            F.conv3d(x, weight, padding=1).sum().backward()

        trained = timed(both, device, SHORT)
    flop = 2 * 27 * math.prod(shape) * shape[1]
    rate = {"tflop_per_s": round(flop / forward["median_s"] / 1e12, 1)}
    backward = {"tflop_per_s": round(3 * flop / trained["median_s"] / 1e12, 1)}
    return {"error": error} if not math.isfinite(error) else _told(error, forward | rate, trained | backward)


def _attention(shape: tuple[int, ...], kind: SDPBackend | None, chosen: str, device: torch.device) -> dict[str, Any]:
    draws = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(shape, generator=draws).to(device, torch.bfloat16).requires_grad_() for _ in range(3))
    exact = (q.double() @ k.double().mT / math.sqrt(shape[-1])).softmax(-1) @ v.double()
    within = contextlib.nullcontext() if kind is None else sdpa_kernel(kind)
    with within, _algorithms(chosen, tf32=True):
        with torch.no_grad():
            error = _error(F.scaled_dot_product_attention(q, k, v), exact)
            forward = timed(lambda: F.scaled_dot_product_attention(q, k, v), device, SHORT)

        def both() -> None:
            q.grad = k.grad = v.grad = None
            F.scaled_dot_product_attention(q, k, v).sum().backward()

        return _told(error, forward, timed(both, device, SHORT))


def _norm(shape: tuple[int, ...], device: torch.device) -> dict[str, Any]:
    """The voxel norm of our coder on (B, C, X, Y, Z), as autocast runs it: forward, and forward with its gradient."""
    norm = VoxelNorm(shape[1]).to(device)
    draws = torch.Generator().manual_seed(0)
    x = torch.randn(shape, generator=draws).to(device, torch.bfloat16)
    x = x.contiguous(memory_format=torch.channels_last_3d).requires_grad_()
    exact = x.double() * (x.double().square().mean(1, keepdim=True) + 1e-4).rsqrt()
    with torch.autocast(device.type, torch.bfloat16):
        with torch.no_grad():
            error = _error(norm(x), exact)
            forward = timed(lambda: norm(x), device, SHORT)
        trained = timed(lambda: norm(x).float().sum().backward(), device, SHORT)
    return _told(error, forward, trained) | {"type": str(norm(x).dtype)}


def _told(error: float, forward: dict[str, Any], trained: dict[str, Any]) -> dict[str, Any]:
    return {"relative_error": float(f"{error:.3g}"), "forward": forward, "with_gradient": trained}


def _error(found: Tensor, exact: Tensor) -> float:
    return float((found.double() - exact).norm() / exact.norm())


@contextlib.contextmanager
def _algorithms(chosen: str, tf32: bool) -> Generator[None]:
    """``any`` by torch's own rule, ``repeatable`` as the product asks, ``tried out`` by cuDNN's benchmark."""
    restore: list[Callable[[], None]] = []
    for flags, value in ((torch.backends.cudnn, tf32), (torch.backends.cuda.matmul, tf32)):
        before = flags.allow_tf32
        restore.append(lambda flags=flags, before=before: setattr(flags, "allow_tf32", before))
        flags.allow_tf32 = value
    try:
        with as_it_comes():
            if chosen == "repeatable":
                compute_repeatably()
            torch.backends.cudnn.benchmark = chosen == "tried out"
            try:
                yield
            finally:
                torch.use_deterministic_algorithms(False)
    finally:
        torch.backends.cudnn.benchmark = False
        for one in restore:
            one()
