"""Float32 products on a CPU by oneDNN instead of MKL, where they are as accurate; the product leaves torch's choice.

Which of them is faster depends on the processor and on torch, and the bits differ: here it is measured.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from functools import cache

import torch
from torch.nn import functional as F

FLOAT32_ERROR = 1e-6
"""Relative error of a product that still counts as float32: 3e-7 where it is, 2e-3 where inputs become bfloat16."""
PRODUCTS = ((833, 384, 1152), (384, 833, 1536), (833, 1536, 384), (1, 384, 2304))
"""Products (rows, inner, columns) that the probe multiplies: the paper's linear layers, forward and backward."""


@contextmanager
def fast_float32(device: torch.device | str = "cpu") -> Generator[None]:
    """Within it, float32 products on a CPU run on oneDNN, if on this machine they are as accurate as before.

    PyTorch's precision "medium" allows bfloat16 inside. On processors without AMX it only changes the library: on AMD
    from MKL, at half speed, to oneDNN. A probe, once a process, multiplies and compares with float64; where the error
    is not that of float32, and on other devices, nothing changes. What was set before is set again on exit.

    Example:
        with fast_float32(z.device):
            noise = network(z, times, conditions)
    """
    before = torch.get_float32_matmul_precision()
    if torch.device(device).type == "cpu" and medium_is_float32():
        torch.set_float32_matmul_precision("medium")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


@cache
def medium_is_float32() -> bool:
    """Whether products under the precision "medium" keep the accuracy of float32 on this processor."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        return all(_product_error(*sizes) < FLOAT32_ERROR for sizes in PRODUCTS)
    finally:
        torch.set_float32_matmul_precision(before)


@torch.no_grad()
def _product_error(rows: int, inner: int, columns: int) -> float:
    """Relative error of a float32 product against float64."""
    generator = torch.Generator().manual_seed(0)
    with torch.autocast("cpu", enabled=False):
        a, b = (
            torch.randn(size, generator=generator, device="cpu", dtype=torch.float32)
            for size in ((rows, inner), (inner, columns))
        )
        exact = a.double() @ b.double()
        # As a linear layer has it: the weight transposed.
        error = F.linear(a, b.T.contiguous()).double() - exact
    return (error.norm() / exact.norm()).item()
