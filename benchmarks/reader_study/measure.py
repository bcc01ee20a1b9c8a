"""How long 32 readers at once wait for a volume and for an answer to be saved, at the full 1.5 mm grid.

    python benchmarks/reader_study/measure.py

A study of noise is made in a temporary folder and served by ``tlesynth study serve`` in a process of its own; the
readers are threads of this one, on the same cores. ``together``: all ask for their volume in the same moment, and
answer in the same moment. ``working``: each looks for one to three seconds, then answers. ``latency.json`` beside this
file is written anew.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import nibabel as nib
import numpy as np

from tlesynth import durable
from tlesynth.reader_study.study import QUESTIONS, SCALES, Study, Trial, item_path, write_study
from tlesynth.volume import GRIDS

RESULT = Path(__file__).with_name("latency.json")
READERS, ROUNDS, ITEMS = 32, 8, 8
GOALS_MS = {"volume": 500.0, "answer": 100.0}
GRID = GRIDS["mni-1.5mm"]
SAID = {"confidence": 5, "seconds": 3, "display": "webgl"}
LOOK_S = (1.0, 3.0)


def write(folder: Path) -> None:
    """A study whose every reader has two rounds of trials, one for each way of asking."""
    draw = np.random.default_rng(0)
    names = [f"{number:032x}" for number in range(ITEMS)]
    for name in names:
        image = nib.Nifti1Image(draw.integers(0, 255, GRID.shape, np.uint8), GRID.affine)
        durable.write_bytes(item_path(folder, name), image.to_bytes())
    people = tuple(f"reader-{number}" for number in range(1, READERS + 1))
    digests = {name: durable.sha256(item_path(folder, name)) for name in names}
    study = Study(
        "latency", "yes-no", 0, "2026-01-01T00:00:00Z", GRID.name, GRID.shape, GRID.spacing, (0, 255),
        QUESTIONS["yes-no"], SCALES["yes-no"], {}, people, digests, "0" * 64,
    )  # fmt: skip
    write_study(folder, study, {who: tuple(trial(who, n, names) for n in range(2 * ROUNDS)) for who in people})


def trial(who: str, place: int, names: list[str]) -> Trial:
    """One case of a reader."""
    return Trial(durable.hash_of([who, place])[:32], "case", (names[place % ITEMS],))


@dataclass
class Reader:
    """One reader's browser."""

    client: httpx.Client
    waits: dict[str, list[float]] = field(default_factory=lambda: {"volume": [], "answer": []})

    def timed(self, what: str, ask: Callable[[], httpx.Response]) -> httpx.Response:
        """Ask, and keep how long the reply took in ms."""
        begun = time.perf_counter()
        reply = ask().raise_for_status()
        self.waits[what].append(1000 * (time.perf_counter() - begun))
        return reply

    def read(self, rounds: int, before: Callable[[], object]) -> None:
        """Read ``rounds`` trials; ``before`` is waited for before each volume and each answer."""
        current = self.client.get("/api/state").json()["current"]
        for _ in range(rounds):
            before()
            self.timed("volume", lambda at=current: self.client.get(f"/api/trials/{at}/items/0/scan.nii"))
            before()
            said = self.timed("answer", lambda at=current: self.client.post(f"/api/trials/{at}/answer", json=SAID))
            current = said.json()["state"]["current"]


def computed_ms(pid: int) -> float:
    """Processor time that a process has used so far, in ms: what a busy machine does not change."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return 1000 * sum(map(int, after_name[11:13])) / os.sysconf("SC_CLK_TCK")


def all_read(readers: list[Reader], before: Callable[[], object], server: int) -> dict[str, dict[str, float]]:
    """Let every reader read at once; median, 95th percentile and longest wait in ms, whether the goal is met, and the
    server's processor time for a volume and an answer together."""
    computed = computed_ms(server)
    for reader in readers:
        reader.waits = {"volume": [], "answer": []}
    with ThreadPoolExecutor(READERS) as pool:
        list(pool.map(lambda reader: reader.read(ROUNDS, before), readers))
    found = {}
    for what, goal in GOALS_MS.items():
        waits = np.concatenate([reader.waits[what] for reader in readers])
        p95 = float(np.quantile(waits, 0.95))
        found[what] = {"n": len(waits), "median_ms": round(float(np.median(waits)), 1), "p95_ms": round(p95, 1)}
        found[what] |= {"longest_ms": round(float(waits.max()), 1), "goal_ms": goal, "met": p95 <= goal}
    found["server"] = {"computed_ms_a_trial": round((computed_ms(server) - computed) / READERS / ROUNDS, 1)}
    return found


def served(folder: Path) -> tuple[subprocess.Popen[str], dict[str, str]]:
    """The server's process and the links it printed."""
    command = [sys.executable, "-m", "tlesynth", "study", "serve", str(folder), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = [process.stdout.readline().strip().split("\t") for _ in range(READERS + 1)]
    return process, dict(lines)


def entered(link: str) -> Reader:
    """A reader who has used a link."""
    base, secret = link.split("/login#")
    client = httpx.Client(base_url=base, timeout=60)
    client.post("/api/login", json={"secret": secret}).raise_for_status()
    return Reader(client)


def main() -> None:
    """Measure, write and print."""
    draw = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "study"
        write(folder)
        process, links = served(folder)
        try:
            readers = [entered(link) for who, link in links.items() if who != "administrator"]
            load = os.getloadavg()[0]
            together = all_read(readers, threading.Barrier(READERS).wait, process.pid)
            working = all_read(readers, lambda: time.sleep(draw.uniform(*LOOK_S)), process.pid)
        finally:
            process.terminate()
            process.wait()
    about = {"readers": READERS, "rounds": ROUNDS, "bytes_a_volume": 352 + int(np.prod(GRID.shape))}
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "load_before": round(load, 2)}
    result = about | {"date": time.strftime("%Y-%m-%d"), "machine": machine, "together": together, "working": working}
    durable.write_json(RESULT, result)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
