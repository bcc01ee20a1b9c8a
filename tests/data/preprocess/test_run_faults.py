"""Cohorts that go wrong half-way: hangs, crashes, full disks, stops, and many jobs in one folder."""

import errno
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tlesynth import durable, interruption, volume
from tlesynth.data.cohort import read_cohort
from tlesynth.data.preprocess import run, subject
from tlesynth.data.preprocess.ledger import Counts, Outcome
from tlesynth.data.preprocess.run import preprocess
from tlesynth.data.preprocess.subject import Job
from tlesynth.data.template import load_template
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Labels, Preprocess
from tlesynth.recipe.sharing import Sharing
from tlesynth.sharing.claims import holding
from tlesynth.volume import GRIDS

Scans = Callable[..., Path]
TABLES = ("outcomes.tsv", "volumes.tsv", "participants.tsv")
SHARD = """
import runpy, sys, time
from pathlib import Path
from tlesynth.data.preprocess import run, subject
from tlesynth.sharing import claims
from tlesynth.data.preprocess.run import preprocess
from tlesynth.recipe import Labels, Preprocess
from tlesynth.recipe.sharing import Sharing
stand_in = runpy.run_path(sys.argv[1])["stand_in"]
done = open(sys.argv[4] + ".did", "a")
def slow(scan, settings, **options):
    time.sleep(0.05)
    done.write(f"{scan.voxels.flat[0]:.2f}\\n")
    return stand_in(scan, settings, **options)
subject.prepare = slow
class Together(claims.Claims):
    # A shard that starts after a failure would try that scan again, rightly: all read the ledger before any works.
    def __enter__(self):
        Path(sys.argv[4] + ".ready").touch()
        while len(list(Path(sys.argv[4]).parent.glob("*.ready"))) < 3:
            time.sleep(0.01)
        return super().__enter__()
run.Claims = Together
settings = Preprocess(grid="mni-3mm", jobs=1, subject_seconds=0, sharing=Sharing(shard=sys.argv[5]))
print(preprocess(Path(sys.argv[2]), Path(sys.argv[3]), settings, Labels(), seed=1))
"""


def statuses(out: Path) -> dict[str, str]:
    table = durable.read_table(out / "outcomes.tsv")
    return dict(zip(table["participant_id"], table["code"].fillna(table["status"]), strict=True))


def test_h01_one_of_many_fails_and_h05_only_it_is_done_again(
    quick: Preprocess, scans: Scans, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bids, out = scans(12, broken=(3,)), tmp_path / "out"
    assert preprocess(bids, out, quick, Labels(), seed=1) == Counts(12, 11, 0, 1, 0)
    assert statuses(out)["sub-03"] == "REG-001"
    assert not list(out.rglob("sub-03*.nii.gz"))
    prepare, done = subject.prepare, []
    monkeypatch.setattr(subject, "prepare", lambda scan, *a, **k: done.append(scan) or prepare(scan, *a, **k))
    scans(12)
    assert preprocess(bids, out, quick, Labels(), seed=1) == Counts(12, 12, 0, 0, 0)
    assert len(done) == 1


@pytest.mark.end_to_end  # real processes, 10 s and more
def test_h02_h03_crashes_and_hangs_fail_alone(
    quick: Preprocess, scans: Scans, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(job: Job) -> Outcome:  # local, so that it travels to the workers by value
        if job.name == "sub-02":
            time.sleep(600)
        if job.name == "sub-05":
            os._exit(137)
        return Outcome(job.name, "failed", "REG-001", "no brain", made_by=job.made_by)

    monkeypatch.setattr(run, "do_subject", work)
    limited = quick.model_copy(update={"jobs": 2, "subject_seconds": 2.0})
    with pytest.raises(TlesynthError, match="6 subjects: REG-001"):
        preprocess(scans(8), tmp_path / "out", limited, Labels(), seed=1)
    found = statuses(tmp_path / "out")
    assert (found["sub-02"], found["sub-05"]) == ("OPS-003", "OPS-001")
    assert list(found.values()).count("REG-001") == 6


def test_h08_a_full_disk_leaves_the_rest_not_run_and_the_same_command_goes_on(
    quick: Preprocess, scans: Scans, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bids, out, prepare, calls = scans(8), tmp_path / "out", subject.prepare, []

    def fills(*arguments: object, **options: object) -> object:
        calls.append(1)
        if len(calls) == 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        return prepare(*arguments, **options)

    monkeypatch.setattr(subject, "prepare", fills)
    with pytest.raises(TlesynthError) as caught:
        preprocess(bids, out, quick, Labels(), seed=1)
    assert (caught.value.code, caught.value.exit_status) == ("RES-001", 6)
    assert list(statuses(out).values()) == ["ok"] * 3 + ["RES-001"] * 5
    assert durable.read_table(out / "outcomes.tsv")["status"].tolist() == ["ok"] * 3 + ["not-run"] * 5
    assert preprocess(bids, out, quick, Labels(), seed=1).ok == 8
    assert len(calls) == 4 + 5


def test_a_stop_leaves_a_complete_ledger(
    quick: Preprocess, scans: Scans, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interruption, "requested", lambda: True)
    with pytest.raises(TlesynthError, match="OPS-075"):
        preprocess(scans(8), tmp_path / "out", quick, Labels(), seed=1)
    assert sorted(statuses(tmp_path / "out").values()) == ["OPS-075"] * 7 + ["ok"]


def test_i01_a_second_plain_run_is_refused(quick: Preprocess, scans: Scans, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with holding(out / ".ledger", together=False), pytest.raises(TlesynthError) as caught:
        preprocess(scans(8), out, quick, Labels(), seed=1)
    assert (caught.value.code, caught.value.exit_status) == ("OPS-010", 8)


@pytest.mark.end_to_end  # real processes, 10 s and more
def test_i03_i04_shards_in_one_folder_do_each_subject_once(quick: Preprocess, scans: Scans, tmp_path: Path) -> None:
    bids, out, alone = scans(24, broken=(5,)), tmp_path / "out", tmp_path / "alone"
    conftest = str(Path(__file__).with_name("conftest.py"))
    parts = ["1/2", "2/2", "2/2"]
    commands = [
        [sys.executable, "-c", SHARD, conftest, str(bids), str(out), str(tmp_path / str(n)), part]
        for n, part in enumerate(parts)
    ]
    shards = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
    assert [shard.wait(120) for shard in shards] == [0, 0, 0]
    did = [line for n in range(3) for line in (tmp_path / f"{n}.did").read_text().split()]
    assert len(did) == len(set(did)) == 24
    assert preprocess(bids, alone, quick, Labels(), seed=1) == Counts(24, 23, 0, 1, 0)
    for name in TABLES:
        assert (out / name).read_bytes() == (alone / name).read_bytes(), name
    for path in sorted(alone.glob("sub-*/anat/*")):
        assert path.read_bytes() == (out / path.relative_to(alone)).read_bytes(), path.name
    assert os.listdir(out / ".ledger" / "claims") == []


def test_a_shard_does_its_part_and_the_last_one_gathers(quick: Preprocess, scans: Scans, tmp_path: Path) -> None:
    bids, out = scans(9), tmp_path / "out"
    first = quick.model_copy(update={"sharing": Sharing(shard="1/2")})
    assert preprocess(bids, out, first, Labels(), seed=1) == Counts(5, 5, 0, 0, 0)
    assert not (out / "outcomes.tsv").exists()
    second = quick.model_copy(update={"sharing": Sharing(shard="2/2")})
    assert preprocess(bids, out, second, Labels(), seed=1) == Counts(4, 4, 0, 0, 0)
    assert list(statuses(out).values()) == ["ok"] * 9
    assert preprocess(bids, out, quick, Labels(), seed=1) == Counts(9, 9, 0, 0, 0)


def test_single_participants_can_be_asked_for(quick: Preprocess, scans: Scans, tmp_path: Path) -> None:
    bids, out = scans(8), tmp_path / "out"
    assert preprocess(bids, out, quick, Labels(), seed=1, participants=("03", "sub-05")) == Counts(2, 2, 0, 0, 0)
    assert sorted(durable.read_table(out / "participants.tsv")["participant_id"]) == ["sub-03", "sub-05"]
    assert list(statuses(out).values()).count("OPS-021") == 6
    assert preprocess(bids, out, quick, Labels(), seed=1).ok == 8
    with pytest.raises(TlesynthError, match="DATA-022.*sub-99"):
        preprocess(bids, out, quick, Labels(), seed=1, participants=("99",))


def test_imported_volumes_go_the_same_way(tmp_path: Path) -> None:
    grid = GRIDS["mni-1.5mm"]
    names = [f"sub-{n:02d}" for n in range(3)]
    affine = np.diag([1.5, 1.5, 1.5, 1.0])
    affine[:3, 3] = (-84, -120, -72)
    grey = np.pad(load_template(grid).gm, ((0, 1),) * 3) * 0.9
    for name in names:
        volume.write(tmp_path / "cat" / "mri" / f"mwp1{name}_T1w.nii.gz", grey, affine)
    people = pd.DataFrame({"participant_id": names, "group": ["hc", "tle", "hc"]})
    durable.write_table(tmp_path / "cat" / "participants.tsv", people)
    settings = Preprocess(source="cat12", import_kind="gm", jobs=1, subject_seconds=0)
    assert preprocess(tmp_path / "cat", tmp_path / "out", settings, Labels(), seed=1).ok == 3
    assert read_cohort(tmp_path / "out").ids == names
    sidecar = durable.read_json(next((tmp_path / "out" / "sub-02").rglob("*desc-preproc_T1w.json")))
    assert sidecar["ImportedKind"] == "gm" and sidecar["Sources"] == ["bids:raw:mri/mwp1sub-02_T1w.nii.gz"]
    assert len(durable.read_table(tmp_path / "out" / "volumes.tsv")) == 3


def test_other_peoples_folders_are_left_alone(quick: Preprocess, scans: Scans, tmp_path: Path) -> None:
    bids = scans(8)
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "thesis.txt").write_text("x")
    for out in (bids, bids / "out", tmp_path / "theirs", tmp_path / "theirs" / "thesis.txt"):
        with pytest.raises(TlesynthError, match="CFG-005"):
            preprocess(bids, out, quick, Labels(), seed=1)
    assert preprocess(bids, bids / "derivatives" / "tlesynth", quick, Labels(), seed=1).ok == 8


def test_a_missing_mask_program_is_told_before_anything_is_touched(
    quick: Preprocess, scans: Scans, tmp_path: Path
) -> None:
    bids, out = scans(8), tmp_path / "out"
    preprocess(bids, out, quick, Labels(), seed=1)
    before = sorted(path.stat().st_mtime_ns for path in out.rglob("*.nii.gz"))
    wrong = quick.model_copy(update={"brain_mask": "command", "brain_mask_command": "no-such-program {input} {mask}"})
    with pytest.raises(TlesynthError, match="MASK-002. no-such-program"):
        preprocess(bids, out, wrong, Labels(), seed=1)
    assert sorted(path.stat().st_mtime_ns for path in out.rglob("*.nii.gz")) == before
