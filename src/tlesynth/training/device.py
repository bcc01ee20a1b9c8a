"""Where and in which precision a run computes."""

from __future__ import annotations

import os
from pathlib import Path

import torch
import torch.utils.deterministic
from lightning_fabric import Fabric

from tlesynth.errors import fail


def fabric_for(device: str, precision: str) -> Fabric:
    """A launched Fabric on ``device`` (auto, cpu, cuda) in ``precision`` (auto, 32-true, bf16-mixed).

    Raises:
        TlesynthError: RES-010 if the device is not there.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise fail("RES-010", "device: cuda", "torch sees no CUDA device")
    if precision == "auto":
        precision = "bf16-mixed" if computes_in_bfloat16(device) else "32-true"
    fabric = Fabric(accelerator=device, devices=1, precision=precision)  # ty: ignore[invalid-argument-type]
    fabric.launch()
    if fabric.device.type == "cuda":
        compute_repeatably()
    return fabric


def compute_repeatably() -> None:
    """Choose algorithms on CUDA that give the same bits each time, and warn where there is none.

    By default the backward pass of a convolution adds in any order, and a resumed run would drift from the first.
    """
    # Read when the first matrix is multiplied: cuBLAS is only repeatable with a fixed workspace.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Filling memory that is overwritten anyway is for finding faults, not for running.
    torch.utils.deterministic.fill_uninitialized_memory = False  # ty: ignore[missing-attribute]


def computes_in_bfloat16(device: str) -> bool:
    """Whether the device has instructions for it; a processor without them would emulate it, slower than float32."""
    if device != "cpu" and torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    flags = Path("/proc/cpuinfo")
    return flags.is_file() and "avx512_bf16" in flags.read_text()
