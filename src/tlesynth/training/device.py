"""Where and in which precision a run computes."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, get_args

import torch
import torch.utils.deterministic
from lightning_fabric import Fabric
from lightning_fabric.plugins import MixedPrecision

from tlesynth import progress
from tlesynth.errors import TlesynthError, fail
from tlesynth.recipe import DeviceName

T = TypeVar("T")
DEVICES: tuple[str, ...] = get_args(DeviceName)


def fabric_for(device: str, precision: str, devices: int = 1) -> Fabric:
    """A launched Fabric on ``device`` (auto, cpu, cuda) in ``precision`` (auto, 32-true, bf16-mixed).

    With more than one of ``devices`` the same work goes on in as many processes, started here or by torchrun or SLURM;
    all but the first are silent.

    Raises:
        TlesynthError: RES-010 if the device is not there, or not as often, CFG-002 if there is none of that name.
    """
    require_device(device, devices)
    if precision == "auto":
        precision = "bf16-mixed" if computes_in_bfloat16(device) else "32-true"
    nodes = int(os.environ.get("SLURM_NNODES", os.environ.get("GROUP_WORLD_SIZE", "1"))) if devices > 1 else 1
    strategy = "ddp" if devices > 1 else "auto"
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # else every process tells its rank
    how: dict[str, Any] = {"precision": precision}
    if precision == "bf16-mixed":
        cuda = device != "cpu" and torch.cuda.is_available()
        how = {"plugins": Bfloat16Mixed(precision, "cuda" if cuda else "cpu")}
    fabric = Fabric(accelerator=device, devices=devices, num_nodes=nodes, strategy=strategy, **how)
    fabric.launch()
    if not fabric.is_global_zero:
        progress.silence()
    if fabric.device.type == "cuda":
        compute_repeatably()
    return fabric


def require_device(device: str, devices: int = 1) -> None:
    """Refuse what is not there, before anything is computed.

    Raises:
        TlesynthError: RES-010 if the device is not there, or not as often, CFG-002 if there is none of that name.
    """
    if device not in DEVICES:
        raise fail("CFG-002", f"device: {device}", f"it is none of {', '.join(DEVICES)}")
    if device == "cuda" and 0 < torch.cuda.device_count() < devices:
        raise fail("RES-010", f"devices: {devices}", f"torch sees {torch.cuda.device_count()} CUDA devices")
    if device == "cuda" and not torch.cuda.is_available():
        raise fail("RES-010", "device: cuda", "torch sees no CUDA device")


def device_of(device: str) -> torch.device:
    """The device that ``device`` (auto, cpu, cuda) means here, for work that needs no Fabric.

    Raises:
        TlesynthError: RES-010 if the device is not there, CFG-002 if there is none of that name.
    """
    require_device(device)
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(device)


class Bfloat16Mixed(MixedPrecision):
    """Products in bfloat16, and a network's inputs as they are.

    Lightning rounds them to bfloat16 first, which knows no integer between 512 and 1024 but every fourth: the last
    timestep, 999, would become 1000, and an age or an intensity lose all but two digits.
    """

    def convert_input(self, data: Any) -> Any:
        """``data`` itself: autocast rounds what is multiplied."""
        return data


def leader_first(fabric: Fabric, open_run: Callable[[bool], T]) -> T:
    """``open_run(True)`` in the first process, then ``open_run(False)`` in the others, once what it wrote is there.

    What refuses the first ends all of them, also where the others would find nothing wrong (a lock it did not get).
    """
    if not fabric.is_global_zero:
        if (refusal := fabric.broadcast(None)) is not None:
            raise refusal
        return open_run(False)
    try:
        opened = open_run(True)
    except Exception as error:
        fabric.broadcast(error if isinstance(error, TlesynthError) else RuntimeError(str(error)))
        raise
    fabric.broadcast(None)
    return opened


def agreed(fabric: Fabric, here: bool) -> bool:
    """Whether any of the processes says so: all of them turn the same way."""
    if fabric.world_size == 1:
        return here
    return float(mean_over_processes(fabric, torch.tensor(float(here), device=fabric.device))) > 0


def mean_over_processes(fabric: Fabric, values: torch.Tensor) -> torch.Tensor:
    """``values`` averaged over the processes; the same tensor where there is one."""
    if fabric.world_size == 1:
        return values
    averaged = fabric.all_reduce(values, reduce_op="mean")
    assert isinstance(averaged, torch.Tensor)
    return averaged


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


def in_bfloat16(precision: str, device: str) -> bool:
    """Whether a trained network is run in bfloat16: by the recipe's ``inference.precision`` on ``device``."""
    return precision == "bf16-true" or (precision == "auto" and computes_in_bfloat16(device))


@cache
def computes_in_bfloat16(device: str) -> bool:
    """Whether the device has instructions for it; a processor without them would emulate it, slower than float32."""
    if device != "cpu" and torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    flags = Path("/proc/cpuinfo")
    return flags.is_file() and "avx512_bf16" in flags.read_text()
