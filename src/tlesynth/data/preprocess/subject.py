"""One subject, from its file to its files. Every error becomes an outcome, and nothing stands half-written.

The files are made in a folder of their own and moved into place together, so a subject that failed leaves none.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
import time
import traceback
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tlesynth import durable, volume
from tlesynth.data.cohort import LEDGER, CohortWriter, thumbnail, thumbnail_path, volume_path
from tlesynth.data.preprocess.imported import prepare_imported
from tlesynth.data.preprocess.ledger import Outcome
from tlesynth.data.preprocess.preparation import Prepared, prepare
from tlesynth.data.sources.bids import Scan
from tlesynth.data.template import template_fingerprint
from tlesynth.errors import REGISTRY, TlesynthError, fail
from tlesynth.recipe import Preprocess
from tlesynth.volume import Volume
from tlesynth.volume.grid import SPACE

METHOD = "2"
"""Part of every subject's key: raised when the method changes, so that old results are done again."""
NO_VOXELS = {"jobs", "sharing", "subject_seconds", "qc"}
"""Settings that change no voxel."""
ASK_FOR_MASK = ("auto", "given")
"""Ways of masking that look for a given mask."""
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


@dataclass(frozen=True)
class Job:
    """What one worker needs for one subject."""

    scan: Scan
    root: Path
    writer: CohortWriter
    settings: Preprocess
    seed: int
    made_by: str

    @property
    def name(self) -> str:
        """The participant_id."""
        return self.scan.participant_id


def made_by(settings: Preprocess, seed: int) -> str:
    """The hash of what all subjects of a run share."""
    return durable.hash_of([METHOD, _shaping(settings), seed, template_fingerprint()])


def do_subject(job: Job) -> Outcome:
    """Prepare one scan and publish its files."""
    started = time.perf_counter()
    failed = partial(Outcome, job.name, "failed", made_by=job.made_by)
    try:
        scan = volume.read(job.scan.path)
        inputs = {_relative(job, path): _fingerprint(path) for path in _inputs(job)}
        prepared = _prepared(job, scan)
        _publish(job, prepared, scan, inputs)
    except TlesynthError as error:
        return failed(error.code, error.why or REGISTRY[error.code].what, seconds=time.perf_counter() - started)
    except MemoryError:
        return failed("RES-020", "memory ran out", seconds=time.perf_counter() - started)
    except Exception as error:  # one bad scan must not stop the others; its kind and words go into the ledger
        code = "RES-001" if isinstance(error, OSError) and error.errno in FULL else "OPS-001"
        trace = traceback.format_exc()
        seconds = time.perf_counter() - started
        return failed(code, f"{type(error).__name__}: {error}", seconds=seconds, traceback=trace)
    return Outcome(
        job.name,
        "ok",
        quality=prepared.quality.row(),
        volumes=prepared.volumes,
        mask_method=prepared.mask_method,
        seconds=time.perf_counter() - started,
        made_by=job.made_by,
        inputs=inputs,
    )


def stands(outcome: Outcome, job: Job) -> bool:
    """Whether an outcome is what this job would give: same settings, same input, files in place."""
    if outcome.made_by != job.made_by or outcome.status != "ok":
        return outcome.made_by == job.made_by
    path = volume_path(job.writer.root, job.name, job.writer.grid, job.writer.desc)
    if not path.is_file() or not path.with_name(path.name.replace(".nii.gz", ".json")).is_file():
        return False
    try:
        found = {_relative(job, p): p for p in _inputs(job)}
        return found.keys() == outcome.inputs.keys() and all(
            _is_same(path, outcome.inputs[name]) for name, path in found.items()
        )
    except OSError:
        return False


def withdraw(writer: CohortWriter, participant_id: str) -> None:
    """Remove what an earlier run made of a subject that failed now."""
    shutil.rmtree(writer.root / participant_id, ignore_errors=True)
    thumbnail_path(writer.root, participant_id).unlink(missing_ok=True)


def _inputs(job: Job) -> list[Path]:
    given = job.scan.brain_mask if job.settings.brain_mask in ASK_FOR_MASK else None
    return [job.scan.path, given] if given else [job.scan.path]


def _prepared(job: Job, scan: Volume) -> Prepared:
    if job.settings.source == "cat12":
        return prepare_imported(job.scan.path, job.settings)
    return prepare(scan, job.settings, seed=job.seed, given_mask=_given_mask(job))


def _given_mask(job: Job) -> Volume | None:
    *_, path = _inputs(job)
    if path == job.scan.path:
        return None
    try:
        return volume.read(path, least_values=1)
    except TlesynthError as error:
        raise fail(error.code, path, f"its given mask: {error.why or REGISTRY[error.code].what}") from error


def _relative(job: Job, path: Path) -> str:
    try:
        return path.absolute().relative_to(job.root.absolute()).as_posix()
    except ValueError:
        return path.name


def _fingerprint(path: Path) -> list[Any]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, durable.sha256(path)]


def _is_same(path: Path, known: list[Any]) -> bool:
    """Whether a file holds the bytes it held; they are read only if its size or time differ."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns] == known[:2] or durable.sha256(path) == known[2]


def _publish(job: Job, prepared: Prepared, scan: Volume, inputs: dict[str, list[Any]]) -> None:
    """Write all files of a subject aside, then move its folder into place."""
    root, name = job.writer.root, job.name
    aside = root / LEDGER / "staging"
    aside.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=aside))
    try:
        _write(job, replace(job.writer, root=stage), prepared, scan, inputs)
        if (root / name).exists():
            os.replace(root / name, stage / "old")
        os.replace(stage / name, root / name)
        thumbnail_path(root, name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(thumbnail_path(stage, name), thumbnail_path(root, name))
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _write(job: Job, writer: CohortWriter, prepared: Prepared, scan: Volume, inputs: dict[str, list[Any]]) -> None:
    name = job.name
    writer.write_mask(name, prepared.mask)
    for kind, values in prepared.maps.items():
        writer.write_map(name, kind, values)
    affine = {
        "Description": "Affine maps between RAS millimetres, row by row",
        "NativeToMNI": np.linalg.inv(prepared.to_native).round(6).tolist(),
        "MNIToNative": prepared.to_native.round(6).tolist(),
    }
    durable.write_json(writer.root / name / "anat" / f"{name}_from-T1w_to-{SPACE}_mode-image_xfm.json", affine)
    sidecar: dict[str, Any] = {
        "Sources": [f"bids:raw:{path}" for path in inputs],
        "BrainMask": prepared.mask_method,
        "Quality": prepared.quality.row(),
        "Settings": _shaping(job.settings),
        "VoxelHash": voxel_hash(scan.voxels),
        "Key": durable.hash_of([job.made_by, {path: facts[2] for path, facts in inputs.items()}]),
    }
    writer.write(name, prepared.voxels, sidecar | prepared.facts)
    with durable.replacing(thumbnail_path(writer.root, name)) as temporary, open(temporary, "wb") as file:
        np.save(file, thumbnail(prepared.voxels, writer.grid).astype(np.float16))


def voxel_hash(voxels: np.ndarray) -> str:
    """SHA-256 of a scan's voxels (X, Y, Z): the same under another name, header or compression."""
    content = np.ascontiguousarray(voxels, dtype="<f4")
    return hashlib.sha256(str(content.shape).encode() + content.tobytes()).hexdigest()


def _shaping(settings: Preprocess) -> dict[str, Any]:
    return settings.model_dump(mode="json", exclude=NO_VOXELS)
