"""What the process tells the shell when it ends."""

from __future__ import annotations

EXIT_STATUSES = {
    0: "all done",
    1: "a bug in tlesynth",
    2: "usage or recipe",
    3: "bad or no input",
    4: "some subjects failed: the table is written, the rest is done",
    5: "model, weights or checkpoint refused",
    6: "disk, memory or device",
    7: "numerical failure",
    8: "the folder is in use by another run",
    9: "privacy or blinding gate refused",
    75: "stopped on request with everything saved: run the same command again",
}

USAGE, INPUT, SOME_FAILED, MODEL, RESOURCE, NUMERICAL, LOCKED, PRIVACY, STOPPED = 2, 3, 4, 5, 6, 7, 8, 9, 75
