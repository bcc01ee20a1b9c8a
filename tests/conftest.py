"""What all tests share: one thread a process, no collecting of what was imported, and the longest files first."""

import gc
import os

import pytest

# The tests share the cores among themselves; threads that wait for each other by spinning cost most.
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

# Two million objects of libraries are made once and never go: looking through them again and again is a third of the
# time of importing, and half a second at every collection that a test asks for.
gc.disable()


def pytest_collection_finish(session: pytest.Session) -> None:
    """From here on only what tests make is collected."""
    gc.freeze()
    gc.enable()
