"""A worker that dies or hangs costs only its own subject."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tlesynth import interruption
from tlesynth.errors import TlesynthError
from tlesynth.sharing import crew
from tlesynth.sharing.crew import Crew


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.is_file() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_h02_a_dead_worker_costs_only_its_subject(tmp_path: Path) -> None:
    def squared(item: tuple[int, str]) -> int:  # local, so that it travels to the workers by value
        number, ledger = item
        with open(ledger, "a") as file:
            file.write(f"{number}\n")
        if number == 3:
            os._exit(139)
        return number**2

    ledger = str(tmp_path / "ledger")
    items = {f"sub-{n}": (n, ledger) for n in range(8)}
    results = dict(Crew(squared, 2, lambda item: -item[0]).each(items))
    assert results == {f"sub-{n}": -3 if n == 3 else n**2 for n in range(8)}
    tried = Path(ledger).read_text().split()
    assert tried.count("3") == 2
    assert tried[-1] == "3", "the second try is alone, after the others"
    assert len(tried) == 9, "no other subject is done twice"


def test_a_worker_that_grows_is_kept_without_a_warning_and_replaced_in_the_end(
    monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    def grows(number: int) -> int:
        import sys

        from joblib.externals.loky import process_executor as loky

        loky._MAX_MEMORY_LEAK_SIZE, loky._MEMORY_LEAK_CHECK_DELAY = 1_000_000, 0.0
        sys.kept = [*getattr(sys, "kept", []), b"x" * 8_000_000]  # ty: ignore[unresolved-attribute]
        return os.getpid()

    monkeypatch.setattr(crew, "MOST_ITEMS", 3)
    pids = [pid for _, pid in Crew(grows, 1, lambda n: n, seconds=60).each({str(n): n for n in range(4)})]
    assert pids[0] == pids[1] == pids[2] != pids[3]
    assert not [str(warning.message) for warning in recwarn if "worker stopped" in str(warning.message)]
    assert not is_alive(pids[0]) and not is_alive(pids[3])


def test_h03_a_hanging_subject_is_killed_with_what_it_started(tmp_path: Path) -> None:
    def sleeps(item: tuple[int, str]) -> str:
        number, pids = item
        if number == 1:
            child = subprocess.Popen(["sleep", "600"])
            Path(pids).write_text(f"{os.getpid()} {child.pid}")
            child.wait()
        return "done"

    pids = tmp_path / "pids"
    items = {f"sub-{n}": (n, str(pids)) for n in range(4)}
    started = time.monotonic()
    crew = Crew(sleeps, 1, lambda item: "lost", seconds=1.5, late=lambda item: "late")
    assert dict(crew.each(items)) == {"sub-0": "done", "sub-1": "late", "sub-2": "done", "sub-3": "done"}
    assert time.monotonic() - started < 60
    time.sleep(0.2)
    assert not [pid for pid in pids.read_text().split() if is_alive(int(pid))]


def test_one_job_runs_here_and_stops_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(interruption, "requested", lambda: len(seen) == 2)
    with pytest.raises(TlesynthError) as caught:
        for name, _ in Crew(lambda n: n, 1, lambda n: n).each({"a": 1, "b": 2, "c": 3}):
            seen.append(name)
    assert caught.value.code == "OPS-075"
    assert seen == ["a", "b"]


def test_items_are_drawn_only_as_workers_come_free() -> None:
    drawn: list[int] = []

    def items() -> Iterator[tuple[str, int]]:
        for n in range(5):
            drawn.append(n)
            yield str(n), n

    ahead = [(n, len(drawn)) for n, _ in Crew(lambda n: n, 1, lambda n: n, seconds=60).each(items())]
    assert [seen - int(n) for n, seen in ahead] == [1, 1, 1, 1, 1]
