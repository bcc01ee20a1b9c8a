"""Preprocess a BIDS cohort: every scan on the grid, a quality table, and one line in the ledger for each participant.

One bad scan never stops the rest. A finished subject is not done again while its scan, the settings and the template
are the same; a failed one is tried again by the same command. What a subject becomes depends on nothing but its own
scan.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tlesynth import __version__, durable, volume
from tlesynth.data.cohort import COLUMNS, CohortWriter
from tlesynth.data.crew import Crew
from tlesynth.data.preprocess.preparation import Prepared, prepare
from tlesynth.data.sources.bids import Scan, Skipped, require_classes, survey
from tlesynth.data.template import template_fingerprint
from tlesynth.errors import REGISTRY, TlesynthError, fail
from tlesynth.progress import bar
from tlesynth.recipe import Labels, Preprocess
from tlesynth.seeds import seed_of
from tlesynth.volume import GRIDS
from tlesynth.volume.grid import SPACE

DESC = "preproc"
METHOD = "1"
"""Part of every subject's key: raised when the method changes, so that old results are done again."""
NOT_BIDS = ("qc.tsv", "outcomes.tsv", "*_xfm.json")
"""What we write beside the files that BIDS has names for."""
STOPS = ("RES-001",)
"""Errors of one subject that all the others would meet too."""


@dataclass(frozen=True)
class Outcome:
    """How one participant ended: ok, skipped, failed or not-run, with a code where it is not ok."""

    participant_id: str
    status: str
    code: str | None = None
    message: str | None = None
    quality: dict[str, float] = field(default_factory=dict)
    mask_method: str | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Counts:
    """How many participants ended in which way; ``discovered`` is their sum."""

    discovered: int
    ok: int
    skipped: int
    failed: int
    not_run: int


@dataclass(frozen=True)
class Job:
    """What one worker needs for one subject."""

    scan: Scan
    root: Path
    writer: CohortWriter
    settings: Preprocess
    seed: int


def preprocess(bids: Path, out: Path, settings: Preprocess, labels: Labels, *, seed: int) -> Counts:
    """Preprocess the cohort ``bids`` into the folder ``out``, with qc.tsv and outcomes.tsv; the same command goes on.

    Raises:
        TlesynthError: a DATA code if the cohort cannot be read or has too few in a class, DATA-005 if no scan is left,
            OPS-075 if a stop is asked for, RES-001 if the disk is full; both tables are written first.
    """
    bids, out = Path(bids), Path(out)
    found = survey(bids, labels)
    require_classes([scan.group for scan in found.scans], bids)
    writer = _writer(out, settings)
    jobs = {s.participant_id: Job(s, bids, writer, settings, seed_of(seed, "preprocess")) for s in found.scans}
    outcomes = {skipped.participant_id: _skipped(skipped) for skipped in found.skipped}
    outcomes |= _finished(jobs, out)
    left = {name: job for name, job in jobs.items() if name not in outcomes}
    try:
        _run(left, outcomes, len(jobs), settings.jobs)
    finally:
        for name in jobs:
            outcomes.setdefault(name, Outcome(name, "not-run", "OPS-075", "the run stopped before this subject"))
        _write_tables(out, outcomes)
    counts = _counts(outcomes, discovered=len(found.scans) + len(found.skipped))
    if not counts.ok:
        raise fail("DATA-005", out, _reasons(outcomes))
    writer.finish(_participants(found.scans, outcomes))
    durable.write_text(out / ".bidsignore", "".join(f"{pattern}\n" for pattern in NOT_BIDS))
    return counts


def _run(left: dict[str, Job], outcomes: dict[str, Outcome], total: int, workers: int) -> None:
    with bar("preprocessing scans", total, done=total - len(left)) as shown:
        for name, outcome in Crew(_subject, workers, _lost).each(left) if left else ():
            if outcome.code in STOPS:
                raise fail(outcome.code, name, outcome.message or "")
            outcomes[name] = outcome
            failed = sum(o.status == "failed" for o in outcomes.values())
            shown.advance(note=f"{failed} failed" if failed else "")


def _subject(job: Job) -> Outcome:
    """One subject from its file to its files; every error becomes an outcome."""
    started = time.perf_counter()
    name = job.scan.participant_id
    failed = partial(Outcome, name, "failed")
    try:
        prepared = prepare(volume.read(job.scan.path), job.settings, seed=job.seed)
        quality = prepared.quality.row()
        _write(job, prepared)
    except TlesynthError as error:
        return failed(error.code, error.why or REGISTRY[error.code].what, seconds=time.perf_counter() - started)
    except MemoryError:
        return failed("RES-020", "memory ran out", seconds=time.perf_counter() - started)
    except Exception as error:  # one bad scan must not stop the others; its kind and words go into the ledger
        return failed("OPS-001", f"{type(error).__name__}: {error}", seconds=time.perf_counter() - started)
    seconds = time.perf_counter() - started
    return Outcome(name, "ok", quality=quality, mask_method=prepared.mask_method, seconds=seconds)


def _write(job: Job, prepared: Prepared) -> None:
    """Mask, affine, T1 and, last, the sidecar whose key says that the subject is finished."""
    name, writer = job.scan.participant_id, job.writer
    writer.write_mask(name, prepared.mask)
    affine = {
        "Description": "Affine maps between RAS millimetres, row by row",
        "NativeToMNI": np.linalg.inv(prepared.to_native).round(6).tolist(),
        "MNIToNative": prepared.to_native.round(6).tolist(),
    }
    durable.write_json(writer.root / name / "anat" / f"{name}_from-T1w_to-{SPACE}_mode-image_xfm.json", affine)
    sidecar: dict[str, Any] = {
        "Sources": [f"bids:raw:{_relative(job)}"],
        "BrainMask": prepared.mask_method,
        "Quality": prepared.quality.row(),
        "Settings": job.settings.model_dump(mode="json", exclude={"jobs"}),
        "Key": _key(job),
    }
    writer.write(name, prepared.voxels, sidecar)


def _relative(job: Job) -> str:
    return job.scan.path.relative_to(job.root.absolute()).as_posix()


def _key(job: Job) -> str:
    """What a subject's result depends on: the bytes of its scan, settings, seed, template and method."""
    settings = job.settings.model_dump(mode="json", exclude={"jobs"})
    return durable.hash_of([METHOD, durable.sha256(job.scan.path), settings, job.seed, template_fingerprint()])


def _finished(jobs: Mapping[str, Job], out: Path) -> dict[str, Outcome]:
    """The subjects that an earlier run of the same command finished."""
    known = _earlier_seconds(out / "qc.tsv")
    outcomes = {}
    for name, job in jobs.items():
        try:
            sidecar = job.writer.sidecar(name)
            done = sidecar is not None and sidecar.get("Key") == _key(job)
        except (TlesynthError, OSError):
            continue  # an unreadable scan or sidecar is for the worker to meet
        if sidecar is not None and done:
            method, quality = sidecar["BrainMask"], sidecar["Quality"]
            outcomes[name] = Outcome(name, "ok", quality=quality, mask_method=method, seconds=known.get(name))
    return outcomes


def _earlier_seconds(path: Path) -> dict[str, float]:
    if not path.is_file():
        return {}
    table = durable.read_table(path)
    return dict(zip(table["participant_id"], table["seconds"].astype(float), strict=True))


def _lost(job: Job) -> Outcome:
    return Outcome(job.scan.participant_id, "failed", "OPS-001", "its process died twice: out of memory, or a crash")


def _skipped(skipped: Skipped) -> Outcome:
    return Outcome(skipped.participant_id, "skipped", skipped.code, skipped.why)


def _write_tables(out: Path, outcomes: Mapping[str, Outcome]) -> None:
    rows = [outcomes[name] for name in sorted(outcomes)]
    ledger = [(o.participant_id, o.status, o.code, o.message) for o in rows]
    durable.write_table(
        out / "outcomes.tsv", pd.DataFrame(ledger, columns=["participant_id", "status", "code", "message"])
    )
    done = [
        {"participant_id": o.participant_id, **o.quality, "mask": o.mask_method, "seconds": o.seconds}
        for o in rows
        if o.status == "ok"
    ]
    quality = pd.DataFrame(done).round({"seconds": 2})
    durable.write_table(out / "qc.tsv", quality if done else pd.DataFrame(columns=["participant_id", "seconds"]))


def _counts(outcomes: Mapping[str, Outcome], discovered: int) -> Counts:
    by = Counter(outcome.status for outcome in outcomes.values())
    counts = Counts(discovered, by["ok"], by["skipped"], by["failed"], by["not-run"])
    if discovered != sum(asdict(counts).values()) - discovered:
        raise RuntimeError(f"the ledger does not add up: {counts}")
    return counts


def _reasons(outcomes: Mapping[str, Outcome]) -> str:
    by = Counter(outcome.code for outcome in outcomes.values())
    return ", ".join(f"{code}: {n}" for code, n in by.most_common())


def _participants(scans: tuple[Scan, ...], outcomes: Mapping[str, Outcome]) -> pd.DataFrame:
    rows = [{c: getattr(s, c) for c in COLUMNS} for s in scans if outcomes[s.participant_id].status == "ok"]
    return pd.DataFrame(rows, columns=list(COLUMNS)).set_index("participant_id")


def _writer(out: Path, settings: Preprocess) -> CohortWriter:
    about = (
        "Skull-stripped T1-weighted scans, affine to MNI; the brain's 0.5 and 99.5 percentiles at 0 and 1, "
        f"background 0. Smoothing: {settings.smooth_fwhm_mm:g} mm FWHM. tlesynth {__version__}."
    )
    return CohortWriter(out, GRIDS[settings.grid], DESC, "Preprocessed T1-weighted scans", about)
