"""One process at one output folder: a second one is told who is there.

The kernel's lock on a file ends with the process that holds it, however that ends: a file that a dead process left
behind locks nothing. What stands in the file is only there to be told.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import platform
import time
from collections.abc import Generator
from pathlib import Path
from typing import IO

from tlesynth import durable
from tlesynth.errors import fail
from tlesynth.progress import say

LOCK = ".lock"
TAKEN = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES}


@contextlib.contextmanager
def holding(folder: Path, lock: Path | None = None, code: str = "OPS-010") -> Generator[None]:
    """Hold ``folder`` for this process while the block runs, by the file ``lock`` (in the folder, if left out).

    Raises:
        TlesynthError: ``code`` naming the process that holds it, RES-001 if nothing can be written there.
    """
    lock = lock or folder / LOCK
    with durable.disk_errors(lock):
        lock.parent.mkdir(parents=True, exist_ok=True)
        file = open(lock, "a+", encoding="utf-8")  # noqa: SIM115 (held for the whole block)
    with file:
        if not taken(file):
            file.seek(0)
            raise fail(code, folder, f"{file.read().strip() or 'a process that did not say its name'} holds it")
        _tell(file, f"process {os.getpid()} on {platform.node()}, since {time.strftime('%Y-%m-%d %H:%M:%S')},")
        try:
            yield
        finally:
            _tell(file, "")


def taken(file: IO[str], kind: int = fcntl.LOCK_EX) -> bool:
    """Take the lock, alone or with others (``fcntl.LOCK_SH``), if nobody is in the way; on disks without locks too."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in TAKEN:
            return False
        say(f"this file system has no locks ({os.strerror(error.errno or 0)}): start no second run in this folder")
    return True


def _tell(file: IO[str], holder: str) -> None:
    with contextlib.suppress(OSError):  # a full disk: the lock holds without a name
        file.seek(0)
        file.truncate()
        file.write(holder)
        file.flush()
