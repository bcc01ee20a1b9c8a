"""One subject: all of its files or none, and a key that follows its input."""

import dataclasses
import errno
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tlesynth import durable, volume
from tlesynth.data.cohort import CohortWriter, read_cohort
from tlesynth.data.preprocess import subject
from tlesynth.data.preprocess.subject import Job, do_subject, made_by, stands, voxel_hash, withdraw
from tlesynth.data.sources.bids import survey
from tlesynth.recipe import Labels, Preprocess
from tlesynth.volume import GRIDS


@pytest.fixture
def job(quick: Preprocess, scans: Callable[..., Path], tmp_path: Path) -> Job:
    bids = scans(8)
    writer = CohortWriter(tmp_path / "out", GRIDS["mni-3mm"], "preproc", "Test", "About.")
    scan = survey(bids, Labels()).scans[0]
    return Job(scan, bids, writer, quick, 7, made_by(quick, 7))


def files_of(job: Job) -> list[str]:
    return sorted(p.name for p in job.writer.root.rglob("*") if p.is_file())


def test_a_finished_subject_stands_until_its_input_changes(job: Job) -> None:
    outcome = do_subject(job)
    assert outcome.status == "ok" and stands(outcome, job)
    path = job.scan.path
    os.utime(path, (0, 0))
    assert stands(outcome, job), "another time, the same bytes"
    path.write_bytes(path.read_bytes() + b"\0")
    assert not stands(outcome, job)
    other = job.settings.model_copy(update={"smooth_fwhm_mm": 2.0})
    assert made_by(other, 7) != made_by(job.settings, 7) != made_by(job.settings, 8)
    same = job.settings.model_copy(update={"jobs": 5, "subject_seconds": 9.0})
    assert made_by(same, 7) == made_by(job.settings, 7)


def test_missing_files_are_made_again(job: Job) -> None:
    outcome = do_subject(job)
    job.writer.root.joinpath("sub-00", "anat").rename(job.writer.root / "gone")
    assert not stands(outcome, job)


@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, "RES-001"), (errno.EINVAL, "OPS-001")])
def test_h06_a_subject_that_fails_while_writing_leaves_no_file(
    job: Job, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    def full(*arguments: object, **options: object) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr(subject.np, "save", full)
    outcome = do_subject(job)
    assert (outcome.status, outcome.code) == ("failed", code)
    assert files_of(job) == []


def test_h06_what_an_earlier_run_made_is_withdrawn(job: Job) -> None:
    do_subject(job)
    assert files_of(job)
    withdraw(job.writer, job.name)
    assert files_of(job) == []


def test_the_voxel_hash_is_of_the_voxels_and_not_of_the_file(job: Job, tmp_path: Path) -> None:
    scan = volume.read(job.scan.path)
    copy = tmp_path / "copy.nii"
    volume.write(copy, scan.voxels, scan.affine, description="another", dtype="float32")
    assert copy.read_bytes() != job.scan.path.read_bytes()
    assert voxel_hash(volume.read(copy).voxels) == voxel_hash(scan.voxels)
    assert voxel_hash(scan.voxels[::-1]) != voxel_hash(scan.voxels)
    do_subject(job)
    path = next(job.writer.root.rglob("*desc-preproc_T1w.json"))
    assert durable.read_json(path)["VoxelHash"] == voxel_hash(scan.voxels)


def test_a_given_mask_is_used_and_part_of_the_key(job: Job, tmp_path: Path) -> None:
    mask = tmp_path / "mask.nii.gz"
    volume.write(mask, np.pad(np.ones((20, 20, 20), np.uint8), 6), volume.read(job.scan.path).affine, dtype="uint8")
    masked = dataclasses.replace(job, scan=dataclasses.replace(job.scan, brain_mask=mask))
    outcome = do_subject(masked)
    assert (outcome.mask_method, len(outcome.inputs)) == ("given", 2)
    assert not stands(outcome, job), "without the mask it is another result"
    mask.write_bytes(b"")
    broken = do_subject(masked)
    assert broken.code == "NII-001" and "its given mask" in str(broken.message)


def test_the_thumbnail_is_that_of_the_volume(job: Job) -> None:
    do_subject(job)
    job.writer.finish(_people(job))
    cohort = read_cohort(job.writer.root)
    kept = cohort.thumbnail("sub-00")
    next((job.writer.root / ".ledger" / "thumbnails").iterdir()).unlink()
    assert kept.shape == (28, 34, 28)
    assert np.allclose(cohort.thumbnail("sub-00"), kept, atol=1e-3)


def _people(job: Job) -> object:
    import pandas as pd

    return pd.DataFrame({"group": ["hc"]}, index=[job.name])
