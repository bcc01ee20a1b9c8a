"""A command in a process of its own: wall time, core-seconds, and the most memory that it and its children held."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

EVERY_S = 0.1


@dataclass(frozen=True)
class Used:
    """What a finished command took, and what it printed."""

    wall_s: float
    core_s: float
    """Of it and of the children it waited for."""
    peak_gib: float
    """Resident at once, of it and of its living children, looked up ten times a second; never less than the kernel's
    own high-water mark of the largest of them."""
    printed: str


def measured(words: list[str]) -> Used:
    """Run ``words``; what it says on stderr is passed on.

    Raises:
        RuntimeError: with its exit status if it failed.
    """
    began, peak, done = time.monotonic(), 0.0, threading.Event()
    with tempfile.TemporaryFile("w+") as printed:
        child = subprocess.Popen(words, stdout=printed, stderr=sys.stderr)

        def watch() -> None:
            nonlocal peak
            while not done.wait(EVERY_S):
                peak = max(peak, sum(resident(pid) for pid in family(child.pid)))

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            _, status, used = os.wait4(child.pid, 0)
        except BaseException:
            child.kill()
            raise
        finally:
            done.set()
            watcher.join()
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise RuntimeError(f"{' '.join(words[:4])} ended with status {child.returncode}")
        printed.seek(0)
        text = printed.read()
    most = max(peak, used.ru_maxrss / 2**20)
    return Used(time.monotonic() - began, used.ru_utime + used.ru_stime, most, text)


def family(pid: int) -> list[int]:
    """A process and all its descendants that live."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return [pid]
    return [pid, *(one for child in children for one in family(int(child)))]


def resident(pid: int) -> float:
    """GiB that a process holds; 0 where it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0) / 2**20
