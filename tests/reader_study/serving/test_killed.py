"""32 readers answer while the server is killed 25 times with SIGKILL: no acknowledged answer is lost or doubled."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import forked
import httpx
import numpy as np
import pytest

from tlesynth.cli.serving import serve
from tlesynth.reader_study import links
from tlesynth.reader_study.answers import open_answers, read_answers
from tlesynth.reader_study.database import open_database
from tlesynth.reader_study.study import Study, read_study, read_trials

READERS, TRIALS, KILLS = 32, 150, 25


@dataclass
class Server:
    """A server process on one port, started anew as often as it is killed, but not from nothing."""

    folder: Path
    port: int
    process: ForkServerProcess | None = None

    def start(self) -> None:
        self.process = forked.context().Process(
            target=serve, kwargs={"study": self.folder, "port": self.port}, daemon=True
        )
        self.process.start()

    def kill(self) -> None:
        assert self.process is not None
        assert self.process.pid is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.join()

    def wait(self) -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                httpx.get(f"http://127.0.0.1:{self.port}/login")
                return
            except httpx.TransportError:
                time.sleep(0.02)
        raise AssertionError("the server did not start")


@dataclass
class Reader:
    """One reader's browser: it sends an answer again until the server says that it is saved."""

    name: str
    session: str
    trials: list[str]
    port: int
    stop: threading.Event
    saved: dict[str, tuple[int, str]] = field(default_factory=dict)
    again: int = 0
    faults: list[str] = field(default_factory=list)

    def read(self) -> None:
        draw = np.random.default_rng(int(self.name.split("-")[1]))
        with httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=10) as client:
            client.cookies.set(f"session-{self.port}", self.session)
            for trial in self.trials:
                if self.stop.is_set():
                    return
                said = (int(draw.integers(1, 7)), f"{self.name} {draw.integers(1 << 60)}")
                body = {"confidence": said[0], "comment": said[1], "seconds": 1, "display": "slices"}
                self.until_saved(client, trial, body, draw)
                self.saved[trial] = said
                time.sleep(draw.uniform(0, 0.2))

    def until_saved(self, client: httpx.Client, trial: str, body: dict[str, object], draw: np.random.Generator) -> None:
        path = f"/api/trials/{trial}"
        while True:
            try:
                client.get(f"{path}/items/0/axial/20.png").raise_for_status()
                reply = client.post(f"{path}/answer", json=body)
            except (httpx.TransportError, httpx.HTTPStatusError):
                self.again += 1
                time.sleep(draw.uniform(0.1, 0.3))
                continue
            if reply.status_code == 200:
                return
            if reply.status_code < 500 and reply.status_code != 429:
                self.faults.append(reply.text)
                return


@pytest.mark.end_to_end
@pytest.mark.timeout(300)
def test_no_acknowledged_answer_is_lost_or_doubled(tmp_path: Path, small_study: Callable[..., Path]) -> None:
    folder = small_study(tmp_path / "study", readers=READERS, cases=TRIALS - 1, items=2)
    study, stop = read_study(folder), threading.Event()
    readers = _readers(folder, study, stop, port := _free_port())
    server = Server(folder, port)
    server.start()
    server.wait()
    threads = [threading.Thread(target=reader.read) for reader in readers]
    for thread in threads:
        thread.start()
    draw = np.random.default_rng(25)
    for _ in range(KILLS):
        time.sleep(draw.uniform(0.05, 0.6))
        server.kill()
        server.start()
        server.wait()
    stop.set()
    for thread in threads:
        thread.join(60)
    server.kill()
    assert [reader.faults for reader in readers] == [[]] * READERS
    _check(folder, study, readers)


def _check(folder: Path, study: Study, readers: list[Reader]) -> None:
    """Every acknowledged answer stands once, as it was given, and nothing else stands."""
    acknowledged = {(reader.name, trial): said for reader in readers for trial, said in reader.saved.items()}
    table = read_answers(folder)
    found = {(row.reader, row.trial): (row.confidence, row.comment) for row in table.itertuples()}
    assert found == acknowledged
    assert len(table) == len(acknowledged) > READERS
    assert sum(reader.again for reader in readers) > KILLS  # the kills were felt
    database = open_database(folder, study.id)
    assert database.rows("SELECT count(*) FROM answer")[0][0] == len(acknowledged)
    assert database.rows("PRAGMA integrity_check")[0][0] == "ok"
    print(f"{len(acknowledged)} answers acknowledged, {sum(reader.again for reader in readers)} tries repeated")


def _readers(folder: Path, study: Study, stop: threading.Event, port: int) -> list[Reader]:
    """Readers who are logged in already."""
    lists = read_trials(folder)
    database = open_answers(folder, study.id, {who: [(t.trial, t.kind) for t in asked] for who, asked in lists.items()})
    rest = links.Lifetimes()
    sessions = {who: links.enter(database, links.issue(database, who, rest))[1] for who in study.readers}
    database.close()
    return [Reader(who, sessions[who], [t.trial for t in lists[who]], port, stop) for who in study.readers]


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]
