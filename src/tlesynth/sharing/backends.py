"""Where the work runs: processes of this machine, or the workers of a dask cluster.

On a cluster each subject still runs in a process of its own beside the dask worker, so that a crash or the time limit
costs one subject there too. Files travel by the shared file system, only names and outcomes by the network.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Generic, TypeVar

from tlesynth import __version__, interruption
from tlesynth.errors import TlesynthError, fail
from tlesynth.progress import say
from tlesynth.recipe.sharing import Sharing
from tlesynth.sharing.crew import Crew

Item = TypeVar("Item")
Result = TypeVar("Result")

WHERE = "sharing.backend: dask"
POLL_S = 0.25
PROBE_S = 120.0
"""How long the first worker that is up may take to import tlesynth from a cold file system."""
AHEAD = 2
"""Subjects submitted for each worker, so that none waits for its next one."""
FOREVER_S = 10.0 * 365 * 86_400
CHILDREN_ALLOWED = "DASK_DISTRIBUTED__WORKER__DAEMON"
"""Dask's own switch: its workers may start processes only where it is off."""


def crew(
    work: Callable[[Item], Result],
    sharing: Sharing,
    lost: Callable[[Item], Result],
    late: Callable[[Item], Result],
    *,
    jobs: int,
    seconds: float,
    logs: Path | None = None,
) -> Crew[Item, Result] | ClusterCrew[Item, Result]:
    """The crew that ``sharing`` asks for: ``jobs`` processes here, or a cluster, whose job logs go to ``logs``.

    Raises:
        TlesynthError: OPS-020 if the cluster's libraries are not installed.
    """
    if sharing.backend == "joblib":
        return Crew(work, jobs, lost, seconds=seconds, late=late)
    require_dask()
    apart = Apart(work, seconds, lost, late)
    return ClusterCrew(apart, sharing.workers, lambda: dask_client(sharing, logs), lost)


class Apart(Generic[Item, Result]):
    """``work`` in a process of its own, wherever this is called."""

    def __init__(
        self,
        work: Callable[[Item], Result],
        seconds: float,
        lost: Callable[[Item], Result],
        late: Callable[[Item], Result],
    ) -> None:
        # A limit, however far away, makes the crew use a process of its own.
        self.crew = Crew(work, 1, lost, seconds=seconds or FOREVER_S, late=late)

    def __call__(self, item: Item) -> Result:
        """Do one item."""
        return next(result for _, result in self.crew.each({"": item}))


class ClusterCrew(Generic[Item, Result]):
    """``work`` done by the client that ``connect`` opens; ``lost(item)`` where the cluster gave a subject up."""

    def __init__(
        self,
        work: Callable[[Item], Result],
        workers: int,
        connect: Callable[[], AbstractContextManager[Any]],
        lost: Callable[[Item], Result],
    ) -> None:
        self.work, self.workers, self.connect, self.lost = work, workers, connect, lost

    def each(self, items: Iterable[tuple[str, Item]]) -> Generator[tuple[str, Result]]:
        """Yield (name, result) in order of completion; items are drawn a few ahead of the workers.

        Raises:
            TlesynthError: OPS-075 if a stop is asked for.
        """
        pairs, busy = iter(items), {}
        with self.connect() as client:
            try:
                while True:
                    while len(busy) < AHEAD * self.workers and (pair := next(pairs, None)) is not None:
                        busy[client.submit(self.work, pair[1], pure=False)] = pair
                    if not busy:
                        return
                    for future in [future for future in busy if future.done()]:
                        name, item = busy.pop(future)
                        yield name, self._result(future, name, item)
                    interruption.check()
                    time.sleep(POLL_S)
            finally:
                for future in busy:
                    future.cancel()

    def _result(self, future: Any, name: str, item: Item) -> Result:
        try:
            return future.result()
        except TlesynthError:
            raise
        except Exception as error:  # the cluster's own: a worker it lost again and again, a job that was cancelled
            say(f"{name}: the cluster gave it up ({type(error).__name__})")
            return self.lost(item)


def require_dask() -> None:
    """Raise OPS-020 unless dask and dask-jobqueue can be imported."""
    for name in ("dask", "distributed", "dask_jobqueue"):
        if find_spec(name) is None:
            raise fail("OPS-020", WHERE, f"there is no {name}; it comes with tlesynth[cluster]")


@contextmanager
def dask_client(sharing: Sharing, logs: Path | None = None) -> Generator[Any]:
    """A client of the cluster that ``sharing`` describes; its jobs end with the block.

    Raises:
        TlesynthError: OPS-022 if its workers cannot run tlesynth, OPS-075 after a stop request.
    """
    dask, distributed = _dask()
    with (
        dask.config.set({"distributed.worker.daemon": False}),
        _cluster(sharing, logs) as cluster,
        distributed.Client(cluster) as client,
    ):
        require_tlesynth(client)
        yield client


def require_tlesynth(client: Any) -> None:
    """Wait until a worker of ``client`` has run a function of ours; jobs may queue as long as they have to.

    A worker that cannot import tlesynth may fail the task, or die over it and be started again without an end.

    Raises:
        TlesynthError: OPS-022 if a worker fails, or says nothing for ``PROBE_S`` from when the first one is up;
            OPS-075 after a stop request.
    """
    probe = client.submit(version_here, pure=False)
    up_since: float | None = None
    while not probe.done():
        interruption.check()
        if up_since is None and client.scheduler_info()["workers"]:
            up_since = time.monotonic()
        if up_since is not None and time.monotonic() - up_since > PROBE_S:
            probe.cancel()
            raise fail("OPS-022", WHERE, f"no answer within {PROBE_S:.0f} s of the first worker's start")
        time.sleep(POLL_S)
    try:
        found = probe.result()
    except Exception as error:  # whatever kept the worker from importing it
        raise fail("OPS-022", WHERE, f"{type(error).__name__}: {error}") from error
    if found != __version__:
        raise fail("OPS-022", WHERE, f"they have tlesynth {found}, this is {__version__}")


def version_here() -> str:
    """The version of tlesynth where this runs."""
    return __version__


def _cluster(sharing: Sharing, logs: Path | None) -> Any:
    dask, distributed = _dask()
    if sharing.cluster == "local":
        return distributed.LocalCluster(
            n_workers=sharing.workers, threads_per_worker=1, processes=True, dashboard_address=None
        )
    jobqueue: Any = import_module("dask_jobqueue")
    kinds = {"slurm": jobqueue.SLURMCluster, "pbs": jobqueue.PBSCluster, "sge": jobqueue.SGECluster}
    # The site's own prologue (modules, environments) comes from its jobqueue.yaml.
    prologue = list(dask.config.get(f"jobqueue.{sharing.cluster}.job-script-prologue", None) or [])
    cluster = kinds[sharing.cluster](
        queue=sharing.queue,
        cores=sharing.cores,
        processes=1,
        memory=sharing.memory,
        walltime=sharing.walltime,
        job_extra_directives=list(sharing.extra),
        job_script_prologue=[*prologue, f"export {CHILDREN_ALLOWED}=False"],
        log_directory=None if logs is None else str(logs),
    )
    cluster.scale(jobs=sharing.workers)
    say(f"{sharing.workers} jobs submitted to {sharing.cluster}; subjects start as they do")
    return cluster


def _dask() -> tuple[Any, Any]:
    return import_module("dask"), import_module("distributed")
