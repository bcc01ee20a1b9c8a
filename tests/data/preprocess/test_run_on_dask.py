"""A real dask scheduler with worker processes gives the bytes of our own workers, and only this machine hears it."""

import os
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tlesynth import durable, volume
from tlesynth.data.cohort import write_dataset_description
from tlesynth.data.preprocess.run import Counts, preprocess
from tlesynth.recipe import Labels, Preprocess
from tlesynth.recipe.sharing import Sharing
from tlesynth.sharing.backends import Apart, ClusterCrew, dask_client
from tlesynth.volume import Volume

psutil = pytest.importorskip("psutil", reason="comes with distributed, tlesynth[cluster]")
pytest.importorskip("dask_jobqueue", reason="tlesynth[cluster] is not installed")
pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(900)]  # real processes, 10 s and more

LOCAL = Sharing(backend="dask", cluster="local", workers=2)


OURS = Preprocess(grid="mni-3mm", registration_mm=6.0, n4=False, jobs=2)
ON_DASK = OURS.model_copy(update={"sharing": LOCAL})


@pytest.fixture
def cohort(tmp_path: Path, brain: Callable[..., Volume], to_native: object) -> Path:
    """Two brains in native space and a scan that is cut off."""
    root = tmp_path / "bids"
    for name in ("sub-0", "sub-1", "sub-cut"):
        scan = brain(to_native, spacing=3.5, shape=(56, 62, 54))
        path = root / name / "anat" / f"{name}_T1w.nii.gz"
        path.parent.mkdir(parents=True)
        volume.write(path, scan.voxels, scan.affine)
    path.write_bytes(path.read_bytes()[:9000])
    rows = [("sub-0", "hc"), ("sub-1", "tle"), ("sub-cut", "hc")]
    durable.write_table(root / "participants.tsv", pd.DataFrame(rows, columns=["participant_id", "group"]))
    write_dataset_description(root, "Test", "raw", "Scans for a test.")
    return root


def children() -> set[Any]:
    """The processes below this one, but multiprocessing's tracker, which stays until this one ends."""
    return {process for process in psutil.Process().children(recursive=True) if not tracks(process)}


def tracks(process: Any) -> bool:
    try:
        return any("resource_tracker" in word for word in process.cmdline())
    except psutil.Error:  # it ended meanwhile
        return False


@contextmanager
def watched() -> Generator[set[tuple[str, int]]]:
    """The addresses on which this process and its children listened meanwhile."""
    seen: set[tuple[str, int]] = set()
    over = threading.Event()

    def look() -> None:
        while not over.wait(1.0):
            for process in [me := psutil.Process(os.getpid()), *me.children(recursive=True)]:
                try:
                    found = process.net_connections("inet")
                except psutil.Error:  # it ended meanwhile
                    continue
                seen.update((c.laddr.ip, c.laddr.port) for c in found if c.status == psutil.CONN_LISTEN)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


def test_dask_s_workers_give_the_bytes_of_joblib_s_and_listen_on_this_machine_only(
    cohort: Path, tmp_path: Path
) -> None:
    wanted = Counts(discovered=3, ok=2, skipped=0, failed=1, not_run=0)
    assert preprocess(cohort, tmp_path / "joblib", OURS, Labels(), seed=3) == wanted
    others = children()
    with watched() as seen:
        assert preprocess(cohort, tmp_path / "dask", ON_DASK, Labels(), seed=3) == wanted
    files = sorted(p.relative_to(tmp_path / "joblib") for p in (tmp_path / "joblib").glob("sub-*/**/*.*"))
    assert len(files) >= 8 and files == sorted(
        p.relative_to(tmp_path / "dask") for p in (tmp_path / "dask").glob("sub-*/**/*.*")
    )
    for file in files:
        assert (tmp_path / "joblib" / file).read_bytes() == (tmp_path / "dask" / file).read_bytes(), file
    tables = [(tmp_path / name / "outcomes.tsv").read_bytes() for name in ("joblib", "dask")]
    assert tables[0] == tables[1]
    assert len(seen) >= 3, "a scheduler and two workers"
    assert {ip for ip, _ in seen} <= {"127.0.0.1", "::1"}, seen
    assert not psutil.wait_procs(children() - others, timeout=30)[1], "processes that outlive their work"


def test_a_crash_in_a_subject_costs_that_subject_alone_on_dask_too() -> None:
    def work(n: int) -> int:  # in here, since dask's workers cannot import this file
        if n == 1:
            os._exit(1)
        return n**2

    apart = Apart(work, 60, lambda n: -1, lambda n: -2)
    crew = ClusterCrew(apart, 2, lambda: dask_client(LOCAL), lambda n: -3)
    assert dict(crew.each((str(n), n) for n in range(4))) == {"0": 0, "1": -1, "2": 4, "3": 9}
