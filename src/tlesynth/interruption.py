"""Ctrl-C and SIGTERM ask the work to stop at the next safe point; a second one stops it at once."""

from __future__ import annotations

import signal
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

from tlesynth.errors import fail
from tlesynth.progress import say

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
_received: list[int] = []


@contextmanager
def graceful() -> Generator[None]:
    """While this block runs, the first stop signal only sets a flag that the work polls through ``check``."""
    previous = {number: signal.signal(number, _receive) for number in SIGNALS}
    _received.clear()
    try:
        yield
    finally:
        _received.clear()
        for number, handler in previous.items():
            signal.signal(number, handler)


def requested() -> bool:
    """Whether a stop was asked for."""
    return bool(_received)


def check() -> None:
    """Raise OPS-075 if a stop was asked for: call it where everything done so far is saved."""
    if requested():
        raise fail("OPS-075")


def _receive(number: int, frame: FrameType | None) -> None:
    if _received:
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)
    _received.append(number)
    say("stopping at the next safe point (once more to stop at once)")
