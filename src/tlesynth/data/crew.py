"""Doing one thing for each of many subjects, in parallel processes that may die.

A worker that is killed or crashes takes joblib's whole pool with it. Workers therefore leave a mark while they are
at a subject: after a crash each marked one is tried once more alone, and only one that crashes again is given up.
"""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Generic, TypeVar

from joblib import Parallel, delayed
from joblib.externals.loky.process_executor import TerminatedWorkerError

from tlesynth import interruption

Item = TypeVar("Item")
Result = TypeVar("Result")


class Crew(Generic[Item, Result]):
    """``work`` done for each item by ``jobs`` processes (1: in this one; 0: one a core), one thread each."""

    def __init__(self, work: Callable[[Item], Result], jobs: int, lost: Callable[[Item], Result]) -> None:
        self.work, self.jobs, self.lost = work, jobs or cores(), lost

    def each(self, items: dict[str, Item]) -> Iterator[tuple[str, Result]]:
        """Yield (name, result) in order of completion; ``lost(item)`` stands in where the worker died twice.

        Raises:
            TlesynthError: OPS-075 if a stop is asked for.
        """
        left = dict(items)
        while left:
            suspects: list[str] = []
            with tempfile.TemporaryDirectory(prefix="tlesynth-") as marks:
                try:
                    for name, result in self._pool(left, self.jobs, Path(marks)):
                        del left[name]
                        yield name, result
                        interruption.check()
                except TerminatedWorkerError:
                    interruption.check()  # the stop signal may have reached the workers too
                    suspects = [name for name in left if (Path(marks) / name).exists()] or list(left)[:1]
            for name in suspects:
                yield name, self._alone(name, left.pop(name))
                interruption.check()

    def _alone(self, name: str, item: Item) -> Result:
        with tempfile.TemporaryDirectory(prefix="tlesynth-") as marks:
            try:
                # Two jobs for one item: joblib runs a single job in this process, which must not die.
                return next(result for _, result in self._pool({name: item}, 2, Path(marks)))
            except TerminatedWorkerError:
                return self.lost(item)

    def _pool(self, items: dict[str, Item], jobs: int, marks: Path) -> Iterator[tuple[str, Result]]:
        home = os.getpid()
        options = {"inner_max_num_threads": 1} if jobs > 1 else {}
        pool = Parallel(n_jobs=jobs, backend="loky", return_as="generator_unordered", **options)
        tasks = (delayed(_marked)(self.work, name, item, marks, home) for name, item in tuple(items.items()))
        with closing(pool(tasks)) as results:
            yield from results


def cores() -> int:
    """Processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _marked(work: Callable[[Item], Result], name: str, item: Item, marks: Path, home: int) -> tuple[str, Result]:
    if os.getpid() != home:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    mark = marks / name
    mark.touch()
    result = work(item)
    mark.unlink(missing_ok=True)
    return name, result
