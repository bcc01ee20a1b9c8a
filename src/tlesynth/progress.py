"""Progress on stderr: rich bars with an ETA on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from tlesynth.errors import TlesynthError

T = TypeVar("T")
PLAIN_EVERY_S = 10.0
FORECAST_AFTER, FORECAST_AFTER_S = 3, 60.0
_silent = False
_hushed: ContextVar[bool] = ContextVar("hushed", default=False)
"""Of the thread that is hushed alone: threads that begin and end out of turn leave no other one silent."""


class Bar:
    """One line of progress; ``advance`` moves it, ``note`` says the newest figure."""

    def __init__(self, label: str, total: int, done: int = 0) -> None:
        self.label, self.total, self.done, self.first = label, total, done, done
        self.start = self.spoken = time.monotonic()

    def advance(self, n: int = 1, note: str = "") -> None:
        """Count ``n`` more as done."""
        self.done += n
        now = time.monotonic()
        if now - self.spoken >= PLAIN_EVERY_S or self.done == self.total:
            self.spoken = now
            say(f"{self.label}: {self.done}/{self.total}, {self._eta(now)}{', ' + note if note else ''}")

    def _eta(self, now: float) -> str:
        made, elapsed = self.done - self.first, now - self.start
        if self.done >= self.total:
            return f"done in {clock(elapsed)}"
        # The first units carry the start-up of workers and libraries: no forecast from them alone.
        if made < FORECAST_AFTER and elapsed < FORECAST_AFTER_S:
            return "starting"
        return f"{clock(elapsed / max(made, 1) * (self.total - self.done))} left"


class RichBar(Bar):
    """The same on a terminal, drawn by rich."""

    def __init__(self, label: str, total: int, done: int = 0) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        super().__init__(label, total, done)
        self.progress = Progress(
            TextColumn("{task.description:<24}"),
            BarColumn(30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("ETA"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", style="dim"),
            console=Console(stderr=True),
        )
        self.task = self.progress.add_task(label, total=total, completed=done, note="")
        self.progress.start()

    def advance(self, n: int = 1, note: str = "") -> None:
        """Count ``n`` more as done."""
        self.done += n
        self.progress.update(self.task, advance=n)
        if note:
            self.progress.update(self.task, note=note)


@contextmanager
def bar(label: str, total: int, done: int = 0) -> Generator[Bar]:
    """A progress bar for ``total`` units of which ``done`` are done already."""
    if silent() or not sys.stderr.isatty():
        yield Bar(label, total, done)
        return
    shown = RichBar(label, total, done)
    try:
        yield shown
    finally:
        shown.progress.stop()


def track(items: Iterable[T], label: str, total: int) -> Iterator[T]:
    """Yield ``items``, counting each as done when the next is asked for."""
    with bar(label, total) as shown:
        for item in items:
            yield item
            shown.advance()


def say(text: str) -> None:
    """One plain line for the person watching."""
    if not silent():
        print(text, file=sys.stderr, flush=True)


def warn(error: TlesynthError) -> None:
    """Say what would be an error if the work could not go on."""
    say(str(error).replace("error[", "warning[", 1))


def silence() -> None:
    """Say nothing from here on: one of several processes that do the same work speaks for all."""
    global _silent
    _silent = True


@contextmanager
def hushed() -> Generator[None]:
    """Say nothing within this block: what it does is one unit of a bar that stands already."""
    before = _hushed.set(True)
    try:
        yield
    finally:
        _hushed.reset(before)


def silent() -> bool:
    """Whether something else speaks for this: another process, or the bar around it."""
    return _silent or _hushed.get()


def clock(seconds: float) -> str:
    """``seconds`` as people read it: ``42 s``, ``3 min 05 s``, ``2 h 10 min``, ``9 days``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 172_800:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86_400} days"
