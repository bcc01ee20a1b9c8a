"""The command line in processes of its own, forked from one that has imported what every verb needs.

Such a process can be killed, told where it stands and waited for like any other, but does not spend its first ten
seconds on imports. What a process is that starts from nothing is tested where it is the question.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import sys
import time
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

PRELOADED = [
    "tlesynth.cli",
    "tlesynth.cli.serving",
    "tlesynth.reader_study.serving.app",
    "tlesynth.reader_study.serving.copies",
    "uvicorn.lifespan.on",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.h11_impl",
    "torch._dynamo",
    "torch.distributed.run",
    "tlesynth.data.preprocess.run",
    "tlesynth.data.simulate",
    "tlesynth.data.splits",
    "tlesynth.autoencoder.train",
    "tlesynth.autoencoder.encode",
    "tlesynth.diffusion.train",
    "tlesynth.diffusion.tune",
    "tlesynth.synthesis.cohort",
    "tlesynth.synthesis.film",
    "tlesynth.classifier.train",
    "tlesynth.evaluation.evaluate",
    "tlesynth.report",
]
"""Imported once; nothing is computed there, since threads do not survive a fork."""


@dataclass(frozen=True)
class Ended:
    """How a process ended, and what it had to say."""

    status: int
    told: str
    said: str


@dataclass(frozen=True)
class Started:
    """A process that runs a command line, with files for its stdout and stderr; it leads a group of its own."""

    process: ForkServerProcess
    told: Path
    said: Path

    @property
    def pid(self) -> int:
        """Of the process and of its group."""
        assert self.process.pid is not None
        return self.process.pid

    def is_running(self) -> bool:
        return self.process.is_alive()

    def wait(self, seconds: float = 500) -> Ended:
        """What it came to.

        Raises:
            TimeoutError: if it runs for longer.
        """
        self.process.join(seconds)
        if self.process.exitcode is None:
            raise TimeoutError(self.said.read_text())
        return Ended(self.process.exitcode, self.told.read_text(), self.said.read_text())


def context() -> multiprocessing.context.ForkServerContext:
    """Where processes are forked from."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command line sets it before torch is imported
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(PRELOADED)
    return found


def start(words: list[str], told: Path, said: Path, **environment: str) -> Started:
    """``tlesynth`` with these words, what it tells and says in files, the environment extended."""
    process = context().Process(target=_run, args=(words, str(told), str(said), environment))
    process.start()
    return Started(process, told, said)


def run(words: list[str], folder: Path) -> Ended:
    """The same from its start to its end; ``folder`` takes its stdout and stderr."""
    name = f"{time.monotonic_ns()}"
    return start(words, folder / f"{name}.told", folder / f"{name}.said").wait()


def _run(words: list[str], told: str, said: str, environment: dict[str, str]) -> None:
    os.setsid()
    for path, descriptor in ((told, 1), (said, 2)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, descriptor)
        os.close(file)
    os.environ.update(environment)
    sys.argv = ["tlesynth", *words]
    from tlesynth.cli import main

    try:
        main()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        atexit._run_exitfuncs()  # multiprocessing ends a process without
