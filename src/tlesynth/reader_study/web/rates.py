"""How often one client may ask, and how often it may guess."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

MOST_CLIENTS = 10_000
"""Clients remembered; the one not seen for longest is forgotten first."""


class Allowance:
    """Each client may ask ``burst`` times at once, and ``per_second`` times a second for ever."""

    def __init__(self, per_second: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second, self._burst, self._clock = per_second, burst, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._turn = threading.Lock()

    def wait(self, client: str) -> float:
        """Take one from the client's allowance: 0, or the seconds until there is one again."""
        with self._turn:
            now = self._clock()
            left, seen = self._left.pop(client, (self._burst, now))
            left = min(self._burst, left + (now - seen) * self._per_second)
            missing = max(0.0, (1 - left) / self._per_second)
            self._left[client] = (left if missing else left - 1, now)
            while len(self._left) > MOST_CLIENTS:
                self._left.popitem(last=False)
            return missing


class Guesses:
    """After ``most`` wrong secrets in a minute a client waits: a minute, then two, four, up to an hour."""

    def __init__(self, most: int = 10, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._wrong: OrderedDict[str, list[float]] = OrderedDict()
        self._until: dict[str, tuple[float, int]] = {}
        self._turn = threading.Lock()

    def wait(self, client: str) -> float:
        """Seconds the client still has to wait; 0 if it may try."""
        with self._turn:
            return max(0.0, self._until.get(client, (0.0, 0))[0] - self._clock())

    def wrong(self, client: str) -> None:
        """Note a wrong secret."""
        with self._turn:
            now = self._clock()
            recent = [moment for moment in self._wrong.pop(client, []) if moment > now - 60] + [now]
            if len(recent) >= self._most:
                times = self._until.get(client, (0.0, 0))[1]
                self._until[client] = (now + min(3600.0, 60.0 * 2**times), times + 1)
                recent = []
            self._wrong[client] = recent
            while len(self._wrong) > MOST_CLIENTS:
                forgotten, _ = self._wrong.popitem(last=False)
                self._until.pop(forgotten, None)
