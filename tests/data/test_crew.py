"""A worker that dies costs only its own subject."""

import os
from pathlib import Path

import pytest

from tlesynth import interruption
from tlesynth.data.crew import Crew
from tlesynth.errors import TlesynthError


def test_a_dead_worker_costs_only_its_subject(tmp_path: Path) -> None:
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
    tried = Path(ledger).read_text().split().count("3")
    assert tried == 2


def test_one_job_runs_here_and_stops_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(interruption, "requested", lambda: len(seen) == 2)
    with pytest.raises(TlesynthError) as caught:
        for name, _ in Crew(lambda n: n, 1, lambda n: n).each({"a": 1, "b": 2, "c": 3}):
            seen.append(name)
    assert caught.value.code == "OPS-075"
    assert seen == ["a", "b"]
