"""Core-seconds: what the process itself computed, divided by its threads, so that foreign load counts little.

Jobs that are compared run in one process, in turn, pass after pass: whatever disturbs the machine disturbs all of them.
"""

from __future__ import annotations

import gc
import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

THREADS = 2
NOISY = 0.5
"""Foreign cores above which figures should be measured again in a quieter moment."""


@dataclass
class Job:
    """Something to time: ``work`` runs ``repeats`` times a pass; its seconds are multiplied by ``scale``."""

    name: str
    work: Callable[[], object]
    repeats: int = 1
    scale: float = 1.0
    seconds: list[float] = field(default_factory=list)
    """One figure a run, in core-seconds divided by the threads."""

    @property
    def median(self) -> float:
        """The figure that is compared."""
        return statistics.median(self.seconds)

    def result(self) -> dict[str, Any]:
        """The job's entry in the JSON file."""
        entry: dict[str, Any] = {"median_s": round(self.median, 4), "runs_s": [round(s, 4) for s in self.seconds]}
        return entry | ({"scaled_by": self.scale} if self.scale != 1 else {})


@dataclass(frozen=True)
class Ratio:
    """How many times the core-seconds of ``ours`` the peer takes, and the extremes over pairs of runs of one pass."""

    value: float
    low: float
    high: float


def interleave(jobs: Sequence[Job], passes: int, say: Callable[[str], None]) -> None:
    """Run every job once a pass, in turn, and note its core-seconds."""
    for number in range(1, passes + 1):
        for job in jobs:
            for _ in range(job.repeats):
                gc.collect()
                started = time.process_time()
                job.work()
                job.seconds.append((time.process_time() - started) / THREADS * job.scale)
            say(f"pass {number}/{passes}  {job.name:<36} {job.seconds[-1]:8.2f} s")


def ratio(peer: Sequence[float], ours: Sequence[float]) -> Ratio:
    """Median of ``peer`` over median of ``ours``; the extremes compare the k-th parts of both, pass by pass."""
    passes = min(len(peer), len(ours))
    pairs = [
        statistics.median(_part(peer, place, passes)) / statistics.median(_part(ours, place, passes))
        for place in range(passes)
    ]
    return Ratio(statistics.median(peer) / statistics.median(ours), min(pairs), max(pairs))


def compared(jobs: Sequence[Job], targets: Mapping[str, float], ours: str = "ours") -> dict[str, Any]:
    """Ratio of every job to the one called ``ours``, with the target where there is one."""
    mine = next(job for job in jobs if job.name == ours)
    return {job.name: verdict(job.seconds, mine.seconds, targets.get(job.name)) for job in jobs if job is not mine}


def verdict(peer: Sequence[float], ours: Sequence[float], target: float | None) -> dict[str, Any]:
    """A ratio's entry in the JSON file; a target is met by the slower of the passes, not by their median."""
    found = ratio(peer, ours)
    entry: dict[str, Any] = {"ratio": round(found.value, 2), "range": [round(found.low, 2), round(found.high, 2)]}
    return entry | ({} if target is None else {"target": target, "met": found.low >= target})


class Load:
    """Cores that others used between ``with Load() as load`` and the end of the block."""

    cores: float

    def __enter__(self) -> Load:
        self._before = self._now()
        return self

    def __exit__(self, *_: object) -> None:
        wall, busy, own = (b - a for a, b in zip(self._before, self._now(), strict=True))
        self.cores = foreign_cores(wall, busy, own)
        self.wall = wall

    def result(self) -> dict[str, Any]:
        """The load's entry in the JSON file."""
        return {
            "foreign_cores": round(self.cores, 2),
            "wall_s": round(self.wall, 1),
            "noisy": self.cores > NOISY,
            "load_average": round(os.getloadavg()[0], 2),
        }

    @staticmethod
    def _now() -> tuple[float, float, float]:
        """Wall seconds, busy seconds of all cores, own seconds with those of finished children."""
        ticks = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        busy = sum(ticks) - ticks[3] - ticks[4]  # without idle and waiting
        own = os.times()
        mine = own.user + own.system + own.children_user + own.children_system
        return time.monotonic(), busy / os.sysconf("SC_CLK_TCK"), mine


def foreign_cores(wall: float, busy: float, own: float) -> float:
    """Cores that others used during ``wall`` seconds, of ``busy`` core-seconds in all and ``own`` ones of ours.

    The kernel counts both in ticks: in a short time their difference may come out below 0.
    """
    return max(0.0, (busy - own) / wall)


def _part(values: Sequence[float], place: int, parts: int) -> Sequence[float]:
    size = len(values) // parts
    return values[place * size : (place + 1) * size]
