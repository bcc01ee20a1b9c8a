"""What a figure depends on besides the code: processor, versions, threads; and the one writer of results."""

from __future__ import annotations

import json
import platform
import shlex
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from tlesynth import __version__, durable

FLAGS = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16")
PACKAGES = ("torch", "monai", "numpy")


def machine() -> dict[str, Any]:
    """The machine as figures name it."""
    info = Path("/proc/cpuinfo").read_text().splitlines()
    named = dict(line.split(":", 1) for line in info if ":" in line)
    cpu = {key.strip(): value.strip() for key, value in named.items()}
    present = set(cpu.get("flags", "").split())
    return {
        "cpu": cpu.get("model name", platform.processor()),
        "flags": [flag for flag in FLAGS if flag in present],
        "memory_gib": round(memory("MemTotal"), 1),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "gpu": gpu(),
        "tlesynth": __version__,
    } | {name: version(name) for name in PACKAGES}


def gpu() -> dict[str, Any] | None:
    """The GPU that torch sees, and the libraries it drives it by; None where there is none."""
    if not torch.cuda.is_available():
        return None
    card = torch.cuda.get_device_properties(0)
    return {
        "name": card.name,
        "memory_gib": round(card.total_memory / 2**30, 1),
        "capability": f"{card.major}.{card.minor}",
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
    }


def memory(name: str) -> float:
    """One line of /proc/meminfo (MemTotal, MemAvailable) in GiB."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name + ":")) / 2**20


def held(name: str) -> float:
    """One line of /proc/self/status in GiB: VmRSS, what this process holds; VmHWM, the most since ``forget_peak``."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name + ":")) / 2**20


def forget_peak() -> None:
    """Let the high-water mark of this process start from what it holds now."""
    Path("/proc/self/clear_refs").write_text("5")


def bfloat16_is_native() -> bool:
    """Whether the processor has instructions for bfloat16; where it has none, ours infers in float32."""
    return bool({"avx512_bf16", "amx_bf16"} & set(machine()["flags"]))


def publish(name: str, result: dict[str, Any], path: Path, *, printed: bool = True) -> None:
    """Write a result with the command and the machine that made it, and print it."""
    script = f"benchmarks/{Path(sys.argv[0]).name}"
    words = ["python", script, *(_public(word) for word in sys.argv[1:])]
    head = {"benchmark": name, "command": shlex.join(words), "date": date.today().isoformat(), "machine": machine()}
    durable.write_json(path, head | result)
    if printed:
        print(json.dumps(head | result, indent=2))


def tell(text: str) -> None:
    """One line for the person watching."""
    print(text, file=sys.stderr, flush=True)


def _public(word: str) -> str:
    """A folder by its own name alone: where it lay is nobody's business."""
    before, equals, place = word.rpartition("=")
    return before + equals + (Path(place).name if Path(place).is_absolute() else place)
