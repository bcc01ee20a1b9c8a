"""Seconds on a device and the most memory it held, a figure at a time: one that fails says why and hides no other."""

from __future__ import annotations

import argparse
import contextlib
import gc
import math
import statistics
import time
import traceback
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import torch
from machine import publish, tell

from tlesynth.training.device import compute_repeatably

WARM_UPS = 2
LEAST, MOST = 3, 50
"""Runs of a work."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options that every part has."""
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--size", choices=["full", "tiny"], default="full", help="tiny tries the part: no figures")


def placed(given: argparse.Namespace) -> torch.device:
    """The device that was asked for, which must be there."""
    if given.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("torch sees no CUDA device here; --device cpu --size tiny tries the script")
    return torch.device(given.device)


def timed(work: Callable[[], object], device: torch.device, seconds: float = 1.0) -> dict[str, Any]:
    """Median, least and greatest seconds of ``work`` after warm-up, in about so many ``seconds``, and its peak memory.

    By CUDA events around each run; on a processor by the wall clock, and without memory. The peak is of all tensors
    that lived, the networks' own among them.
    """
    for _ in range(WARM_UPS):
        work()
    if device.type == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    runs, began = [], time.perf_counter()
    while len(runs) < LEAST or (len(runs) < MOST and time.perf_counter() - began < seconds):
        runs.append(_once(work, device))
    entry = {"median_s": _short(statistics.median(runs)), "least_s": _short(min(runs)), "most_s": _short(max(runs))}
    peak = {"peak_gib": round(torch.cuda.max_memory_allocated() / 2**30, 3)} if device.type == "cuda" else {}
    return entry | {"runs": len(runs)} | peak


def attempted(name: str, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What ``measure`` finds, or its error: no fault of one figure hides another."""
    began = time.monotonic()
    try:
        found = measure()
    except Exception as error:  # whatever it is belongs into the result
        traceback.print_exc()
        found = {"error": f"{type(error).__name__}: {str(error)[:300]}"}
    release()
    tell(f"{name:<44} {found}  [{time.monotonic() - began:.1f} s]")
    return found


def release() -> None:
    """Give back what nothing refers to any more, to the card too."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


class Figures:
    """A result that grows by sections and is written anew after each of its figures."""

    def __init__(self, name: str, out: Path, **about: Any) -> None:
        self.name, self.out, self.found = name, out, dict[str, Any](about)

    def add(self, section: str, name: str, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Measure ``name`` of ``section`` now."""
        found = _as_json(attempted(f"{section}: {name}", measure))
        self.found.setdefault(section, {})[name] = found
        publish(self.name, self.found, self.out, printed=False)
        return found

    @property
    def faults(self) -> list[str]:
        """Which figures ended in an error."""
        return [
            f"{section}: {name}"
            for section, rows in self.found.items()
            if isinstance(rows, dict)
            for name, entry in rows.items()
            if isinstance(entry, dict) and "error" in entry
        ]

    def finish(self) -> None:
        """Write and print it once more, with the list of what failed."""
        self.found["faults"] = self.faults
        publish(self.name, self.found, self.out)


@contextlib.contextmanager
def as_it_comes() -> Generator[None]:
    """Within it torch chooses its algorithms by itself, as peers' code runs; the product asks for repeatable ones."""
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(False)
    try:
        yield
    finally:
        if before:
            compute_repeatably()


def _once(work: Callable[[], object], device: torch.device) -> float:
    if device.type != "cuda":
        began = time.perf_counter()
        work()
        return time.perf_counter() - began
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    work()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end) / 1000


def _as_json(found: Any) -> Any:
    """The same with words for numbers that JSON has not: NaN and the infinities."""
    if isinstance(found, dict):
        return {name: _as_json(value) for name, value in found.items()}
    if isinstance(found, list):
        return [_as_json(value) for value in found]
    return str(found) if isinstance(found, float) and not math.isfinite(found) else found


def _short(seconds: float) -> float:
    return float(f"{seconds:.4g}")
