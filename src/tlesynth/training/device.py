"""Where and in which precision a run computes."""

from __future__ import annotations

from pathlib import Path

import torch
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
    return fabric


def computes_in_bfloat16(device: str) -> bool:
    """Whether the device has instructions for it; a processor without them would emulate it, slower than float32."""
    if device != "cpu" and torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    flags = Path("/proc/cpuinfo")
    return flags.is_file() and "avx512_bf16" in flags.read_text()
