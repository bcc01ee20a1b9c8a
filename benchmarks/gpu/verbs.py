"""The product's verbs as commands of their own, on the clock, with what they did to the card."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any

from machine import tell

from tlesynth.sharing.crew import cores

QUERY = ["nvidia-smi", "--query-gpu=utilization.gpu,memory.used", "--format=csv,noheader,nounits"]
EVERY_S = 1.0
GRACE_S = 20.0
"""To save what is there after a stop request."""
TAIL = 1500
"""Characters of what a failed verb said last."""


def verb(words: list[str], seconds: float, *, watched: bool) -> dict[str, Any]:
    """Run ``tlesynth`` with ``words`` for at most so many ``seconds``, then ask it to stop: wall time, status, card.

    ``card_gib`` is the most memory in use on the card, by whomever; ``card_busy`` the mean share of time that it ran
    kernels, both looked up once a second where the card is ``watched``.
    """
    tell(f"tlesynth {' '.join(words)}   (at most {seconds:.0f} s)")
    environment = os.environ | {"OMP_NUM_THREADS": str(cores())}
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as said, Card(watched) as card:
        process = subprocess.Popen(
            [sys.executable, "-m", "tlesynth", *words], stdout=said, stderr=subprocess.STDOUT, env=environment
        )
        stopped = _ended(process, max(seconds, 1.0))
        said.seek(0)
        text = said.read()
    found: dict[str, Any] = {"wall_s": round(time.monotonic() - began, 1), "status": process.returncode}
    found |= ({"stopped_after_s": round(seconds, 1)} if stopped else {}) | card.result()
    if process.returncode:
        found["error"] = text[-TAIL:]
    tell(f"  {found}")
    return found


def _ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait for the end; whether it had to be asked for."""
    try:
        process.wait(seconds)
        return False
    except subprocess.TimeoutExpired:
        process.terminate()
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    return True


class Card:
    """What the card does while the block runs."""

    def __init__(self, watched: bool) -> None:
        self.watched, self.rows, self.done = watched, list[tuple[float, float]](), threading.Event()

    def __enter__(self) -> Card:
        self.watcher = threading.Thread(target=self._watch, daemon=True)
        if self.watched:
            self.watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        if self.watched:
            self.watcher.join()

    def result(self) -> dict[str, Any]:
        """Greatest memory in GiB and mean share of busy time; nothing where nobody watched."""
        if not self.rows:
            return {}
        busy, used = zip(*self.rows, strict=True)
        return {"card_gib": round(max(used) / 1024, 2), "card_busy": round(sum(busy) / len(busy) / 100, 2)}

    def _watch(self) -> None:
        while not self.done.wait(EVERY_S):
            told = subprocess.run(QUERY, capture_output=True, text=True, check=False).stdout.strip()
            parts = told.splitlines()[0].split(",") if told else []
            if len(parts) == 2 and all(part.strip().isdigit() for part in parts):
                self.rows.append((float(parts[0]), float(parts[1])))
