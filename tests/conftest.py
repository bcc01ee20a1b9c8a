"""What all tests share: one thread a process, no collecting of what was imported, and the longest files first."""

import gc
import os
from pathlib import Path

import pytest

# The tests share the cores among themselves; threads that wait for each other by spinning cost most.
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

# Two million objects of libraries are made once and never go: looking through them again and again is a third of the
# time of importing, and half a second at every collection that a test asks for.
gc.disable()


# Of both suites; a file is one worker's (``--dist loadfile``), and nothing should wait for the last one alone.
LONGEST = (
    "test_end_to_end.py",
    "diffusion/test_devices.py",
    "report/test_page.py",
    "evaluation/test_evaluate.py",
    "autoencoder/test_train.py",
    "benchmarks/test_sampling.py",
    "autoencoder/test_memory.py",
    "data/simulate/test_cohort.py",
    "diffusion/test_train.py",
    "report/test_simulation_page.py",
    "test_cli.py",
    "test_durable.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, every other one where it was."""
    places = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


def pytest_collection_finish(session: pytest.Session) -> None:
    """From here on only what tests make is collected by Python."""
    gc.freeze()
    gc.enable()
