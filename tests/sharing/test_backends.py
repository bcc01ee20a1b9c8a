"""A cluster gets what the recipe asks for, and gives back what the workers of one machine would."""

import sys
import time
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tlesynth import interruption
from tlesynth.errors import TlesynthError
from tlesynth.recipe.sharing import Sharing
from tlesynth.sharing import backends
from tlesynth.sharing.backends import Apart, ClusterCrew, crew, dask_client, require_tlesynth
from tlesynth.sharing.crew import Crew


class Threads:
    """The part of dask's client that is used, on threads."""

    def __init__(self, workers: int) -> None:
        self.pool, self.submitted = ThreadPoolExecutor(workers), 0

    def submit(self, work: Any, item: Any, *, pure: bool) -> Any:
        assert not pure, "equal items are still each done"
        self.submitted += 1
        return self.pool.submit(work, item)


@contextmanager
def threads(workers: int = 2) -> Generator[Threads]:
    client = Threads(workers)
    with client.pool:
        yield client


def test_a_cluster_gives_the_results_of_one_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "POLL_S", 0.01)
    items = [(f"sub-{n}", n) for n in range(20)]
    found = dict(ClusterCrew(lambda n: n**2, 2, threads, lambda n: -1).each(iter(items)))
    assert found == dict(Crew(lambda n: n**2, 1, lambda n: -1).each(items))


def test_only_a_few_items_are_drawn_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "POLL_S", 0.01)
    drawn: list[int] = []
    items = ((str(n), drawn.append(n) or n) for n in range(50))
    results = ClusterCrew(lambda n: n, 2, threads, lambda n: -1).each(items)
    next(results)
    assert len(drawn) == 4
    results.close()


def test_a_subject_the_cluster_gives_up_is_lost_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(backends, "POLL_S", 0.01)

    def work(n: int) -> int:
        if n == 1:
            raise ConnectionError("worker lost")
        return n

    found = dict(ClusterCrew(work, 2, threads, lambda n: -n).each((str(n), n) for n in range(3)))
    assert found == {"0": 0, "1": -1, "2": 2}
    assert "1: the cluster gave it up" in capsys.readouterr().err


def test_a_stop_ends_the_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interruption, "requested", lambda: True)
    with pytest.raises(TlesynthError, match="OPS-075"):
        list(ClusterCrew(lambda n: time.sleep(0.05), 1, threads, lambda n: None).each((str(n), n) for n in range(3)))


def test_h03_the_time_limit_holds_on_a_cluster_too() -> None:
    def work(n: int) -> str:
        if n:
            time.sleep(600)
        return "done"

    apart = Apart(work, 1.0, lambda n: "lost", lambda n: "late")
    assert [apart(0), apart(1)] == ["done", "late"]


def test_a_missing_library_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "find_spec", lambda name: None)
    with pytest.raises(TlesynthError, match=r"OPS-020.*there is no dask; it comes with tlesynth\[cluster\]") as caught:
        crew(len, Sharing(backend="dask"), len, len, jobs=1, seconds=0)
    assert caught.value.exit_status == 2
    assert isinstance(crew(len, Sharing(), len, len, jobs=1, seconds=0), Crew)


class Answering:
    """The part of dask's client that the probe uses: workers that are up, and what comes of the task."""

    def __init__(self, outcome: Any = None, workers: int = 1) -> None:
        self.outcome, self.workers, self.asked = outcome, workers, 0

    def submit(self, work: Any, *, pure: bool) -> Any:
        future: Future = Future()
        if isinstance(self.outcome, Exception):
            future.set_exception(self.outcome)
        elif self.outcome != "silence":
            future.set_result(self.outcome or work())
        return future

    def scheduler_info(self) -> dict[str, Any]:
        self.asked += 1
        return {"workers": dict.fromkeys(range(self.workers if self.asked > 3 else 0))}


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (ModuleNotFoundError("No module named 'tlesynth'"), "ModuleNotFoundError: No module named 'tlesynth'"),
        ("0.0.1", "they have tlesynth 0.0.1"),
        ("silence", "no answer within 0 s"),
    ],
)
def test_workers_that_cannot_run_tlesynth_are_found_out_at_the_start(
    monkeypatch: pytest.MonkeyPatch, outcome: Any, words: str
) -> None:
    monkeypatch.setattr(backends, "POLL_S", 0.01)
    monkeypatch.setattr(backends, "PROBE_S", 0.05)
    client = Answering(outcome)
    with pytest.raises(TlesynthError) as caught:
        require_tlesynth(client)
    assert caught.value.code == "OPS-022" and caught.value.exit_status == 2 and words in caught.value.why
    require_tlesynth(Answering())


def test_jobs_may_queue_until_a_stop_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "POLL_S", 0.01)
    monkeypatch.setattr(backends, "PROBE_S", 0.0)
    polled = iter([False] * 20 + [True])
    monkeypatch.setattr(interruption, "requested", lambda: next(polled))
    with pytest.raises(TlesynthError, match="OPS-075"):
        require_tlesynth(Answering("silence", workers=0))


def test_the_job_script_asks_for_what_the_recipe_says(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    class Cluster:
        def __init__(self, **options: Any) -> None:
            asked.update(options)

        def scale(self, jobs: int) -> None:
            asked["jobs"] = jobs

        def __enter__(self) -> "Cluster":
            return self

        def __exit__(self, *_: object) -> None:
            asked["closed"] = True

    @contextmanager
    def client(cluster: Cluster) -> Generator[Answering]:
        yield Answering()

    @contextmanager
    def setting(values: dict[str, Any]) -> Generator[None]:
        asked["set"] = values
        yield

    stand_ins: dict[str, dict[str, Any]] = {
        "dask": {"config": SimpleNamespace(set=setting, get=lambda key, default: ["module load python"])},
        "distributed": {"Client": client, "LocalCluster": Cluster},
        "dask_jobqueue": dict.fromkeys(("SLURMCluster", "PBSCluster", "SGECluster"), Cluster),
    }
    for name, members in stand_ins.items():
        module = ModuleType(name)
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, name, module)
    with dask_client(Sharing(backend="dask", queue="long", workers=3, extra=("--account=lab",))) as opened:
        assert isinstance(opened, Answering)
    assert asked["set"] == {"distributed.worker.daemon": False}
    assert (asked["queue"], asked["jobs"], asked["processes"]) == ("long", 3, 1)
    assert (asked["memory"], asked["walltime"]) == ("8GB", "04:00:00")
    assert asked["job_extra_directives"] == ["--account=lab"]
    assert asked["job_script_prologue"] == ["module load python", "export DASK_DISTRIBUTED__WORKER__DAEMON=False"]
    assert asked["closed"]
    with dask_client(Sharing(backend="dask", cluster="local", workers=2)):
        assert asked["n_workers"] == 2
