"""Doing one thing for each of many subjects, in processes that may die or hang.

Each worker is a process of its own, so a crash or a time limit costs only the subject it was at. A crashed subject is
tried once more, alone, when the others are done: memory that two could not share may do for one.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from joblib.externals.loky import ProcessPoolExecutor, process_executor

from tlesynth import interruption

Item = TypeVar("Item")
Result = TypeVar("Result")
Items = dict[str, Item] | Iterable[tuple[str, Item]]

POLL_S = 0.25
ORPHAN_POLL_S = 5.0
MOST_ITEMS = 64
"""Items after which a worker makes room for a new one: whatever its libraries leak ends with it."""
ONE_THREAD = {
    f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "BLIS", "NUMEXPR", "VECLIB_MAXIMUM")
} | {"ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1"}


class Crew(Generic[Item, Result]):
    """``work`` done for each item by ``jobs`` processes (0: one a core), one thread each.

    One job without a limit works in this process. ``lost(item)`` stands in for an item whose worker died twice,
    ``late(item)`` for one that took longer than ``seconds`` (0: no limit); its process and their children are killed.
    """

    def __init__(
        self,
        work: Callable[[Item], Result],
        jobs: int,
        lost: Callable[[Item], Result],
        *,
        seconds: float = 0,
        late: Callable[[Item], Result] | None = None,
    ) -> None:
        self.work, self.jobs, self.lost = work, jobs or cores(), lost
        self.seconds, self.late = seconds, late or lost

    def each(self, items: Items[Item]) -> Generator[tuple[str, Result]]:
        """Yield (name, result) in order of completion; the next item is drawn only when a worker is free for it.

        Raises:
            TlesynthError: OPS-075 if a stop is asked for.
        """
        pairs = cast(Iterator[tuple[str, Item]], iter(items.items() if isinstance(items, dict) else items))
        if self.jobs == 1 and not self.seconds:
            for name, item in pairs:
                yield name, self.work(item)
                interruption.check()
            return
        crashed: list[tuple[str, Item]] = []
        yield from self._parallel(pairs, self.jobs, crashed)
        twice: list[tuple[str, Item]] = []
        yield from self._parallel(iter(crashed), 1, twice)
        for name, item in twice:
            yield name, self.lost(item)

    def _parallel(
        self, pairs: Iterator[tuple[str, Item]], jobs: int, crashed: list[tuple[str, Item]]
    ) -> Generator[tuple[str, Result]]:
        """Do ``pairs`` on ``jobs`` workers; what a worker died at is put into ``crashed``."""
        free: list[Worker[Item, Result]] = []
        busy: dict[Future, Worker[Item, Result]] = {}
        drawn_all = False
        try:
            while True:
                while not drawn_all and len(busy) < jobs:
                    pair = next(pairs, None)
                    drawn_all = pair is None
                    if pair is not None:
                        worker = free.pop() if free else Worker(self.work)
                        busy[worker.give(*pair)] = worker
                if not busy:
                    return
                done, _ = wait(busy, timeout=POLL_S, return_when=FIRST_COMPLETED)
                for future in done:
                    worker = busy.pop(future)
                    try:
                        result = future.result()
                    except BrokenProcessPool:
                        worker.kill()
                        crashed.append((worker.name, worker.item))
                        continue
                    if worker.given < MOST_ITEMS:
                        free.append(worker)
                    else:
                        worker.kill()
                    yield worker.name, result
                interruption.check()
                for future in [f for f, worker in busy.items() if worker.is_late(self.seconds) and not f.done()]:
                    worker = busy.pop(future)
                    worker.kill()
                    yield worker.name, self.late(worker.item)
        finally:
            for worker in [*free, *busy.values()]:
                worker.kill()


@dataclass
class Worker(Generic[Item, Result]):
    """One process and the item it is at; its clock starts when the process is up."""

    work: Callable[[Item], Result]

    def __post_init__(self) -> None:
        self.pool = ProcessPoolExecutor(1, env=ONE_THREAD, initializer=_settle, initargs=(os.getpid(),))
        # The first task carries `work` over, and with it everything that has to be imported.
        self.up: Future = self.pool.submit(_arrive, self.work)
        self.began: float | None = None
        self.given = 0

    def give(self, name: str, item: Item) -> Future:
        """Start on an item."""
        self.name, self.item = name, item
        self.given += 1
        self.began = time.monotonic() if self.up.done() else None
        return self.pool.submit(self.work, item)

    def is_late(self, seconds: float) -> bool:
        """Whether its item has taken more than ``seconds`` (0: never)."""
        if self.began is None and self.up.done():
            self.began = time.monotonic()
        return bool(seconds) and self.began is not None and time.monotonic() - self.began > seconds

    def kill(self) -> None:
        """End the process and whatever it started."""
        if self.up.done() and self.up.exception() is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.up.result(), signal.SIGKILL)
        self.pool.shutdown(wait=True, kill_workers=True)


def cores() -> int:
    """Processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _settle(parent: int) -> None:
    """In a new worker: a group of its own, deaf to stop signals (the parent decides), gone when the parent is gone."""
    os.setpgrp()
    # loky would end a worker between two items, with a warning, once it holds 300 MB more than after its imports, which
    # the first volume takes; we would not know the next one's process, and everything would be imported once more.
    process_executor._USE_PSUTIL = False
    for number in interruption.SIGNALS:
        # Not SIG_IGN, which programs started by the worker would inherit.
        signal.signal(number, _nothing)
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()


def _nothing(number: int, frame: object) -> None:
    return None


def _leave_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(ORPHAN_POLL_S)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _arrive(work: Callable) -> int:
    return os.getpid()
