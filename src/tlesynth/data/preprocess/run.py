"""Preprocess a cohort: every scan on the grid, a quality table, and one line in the ledger for each participant.

One bad scan never stops the rest. A finished subject is not done again while its scan, the settings and the template
are the same; a failed one is tried again by the same command. What a subject becomes depends on nothing but its own
scan, so neither the number of workers nor the machine they run on changes a byte.
"""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

from tlesynth import __version__, durable
from tlesynth.data.cohort import LEDGER, CohortWriter
from tlesynth.data.preprocess.external_mask import require_program
from tlesynth.data.preprocess.gather import gather, gathering, note_stop
from tlesynth.data.preprocess.ledger import Counts, Ledger, Outcome
from tlesynth.data.preprocess.subject import Job, do_subject, made_by, stands, withdraw
from tlesynth.data.sources.bids import Survey, survey
from tlesynth.data.sources.imported import survey_imported
from tlesynth.errors import TlesynthError, fail
from tlesynth.progress import bar
from tlesynth.recipe import Labels, Preprocess
from tlesynth.seeds import seed_of
from tlesynth.sharing import backends
from tlesynth.sharing.claims import Claims, holding, share
from tlesynth.volume import GRIDS

DESC = "preproc"
STOPS = ("RES-001", "PRIV-003")
"""Errors of one subject that all the others would meet too."""


def preprocess(
    bids: Path,
    out: Path,
    settings: Preprocess,
    labels: Labels,
    *,
    seed: int,
    participants: tuple[str, ...] = (),
    carried: tuple[str, ...] = (),
) -> Counts:
    """Preprocess the cohort ``bids`` into the folder ``out``, with its tables; the same command goes on.

    With ``settings.sharing.shard`` it does its part of the subjects, beside other shards; the one that ends last
    writes the tables. With ``participants`` (with or without ``sub-``) it does only these, beside others likewise, and
    the tables call the rest not-run. In both cases its own subjects are what is counted. ``carried`` are other columns
    of the cohort's tables that go on into participants.tsv.

    Raises:
        TlesynthError: a DATA code if the cohort cannot be read, DATA-005 if no scan is left,
            DATA-022 if one of ``participants`` has no scan, CFG-005 if ``out`` cannot be used, OPS-010 if another run
            holds it, OPS-075 if a stop is asked for, PRIV-001 if a carried column may identify a person, RES-001 if the
            disk is full; the tables are written first.
    """
    bids, out = Path(bids), Path(out)
    require_output(bids, out)
    if settings.brain_mask == "command":
        require_program(settings.brain_mask_command)
    found = participants_of(bids, settings, labels, carried)
    jobs = _jobs(found, _writer(out, settings), settings, seed_of(seed, "preprocess"))
    shard = settings.sharing.shard
    mine = share(_asked_for(participants, jobs, bids), settings.sharing.part)
    with holding(out / LEDGER, together=bool(shard or participants)):
        if not (shard or participants):
            _tidy(out)
        try:
            _run({name: jobs[name] for name in mine}, Ledger(out), settings)
        except TlesynthError as error:
            if not shard:
                with gathering(out):
                    note_stop(out, found, _standing(jobs, Ledger(out)), error.code)
            raise
        with gathering(out):
            return _finish(_writer(out, settings), found, jobs, mine, partial=bool(shard), settings=settings)


def _asked_for(participants: tuple[str, ...], jobs: dict[str, Job], bids: Path) -> list[str]:
    names = ["sub-" + name.removeprefix("sub-") for name in participants] or list(jobs)
    if missing := sorted(set(names) - set(jobs)):
        raise fail("DATA-022", bids, ", ".join(missing[:5]))
    return sorted(set(names))


def require_output(bids: Path, out: Path) -> None:
    """Refuse to write into somebody else's files.

    Raises:
        TlesynthError: CFG-005 if ``out`` is a file, lies in the input outside its derivatives/, or holds other things.
    """
    inside = out.resolve().is_relative_to(bids.resolve())
    if inside and out.resolve().relative_to(bids.resolve()).parts[:1] != ("derivatives",):
        raise fail("CFG-005", out, "it lies inside the input cohort")
    own = (out / LEDGER).is_dir()
    durable.require_own(out, own=own, otherwise=", and preprocessing did not make what it holds")


def participants_of(bids: Path, settings: Preprocess, labels: Labels, carried: tuple[str, ...] = ()) -> Survey:
    """Whose scans there are to prepare, or to take over from CAT12. Raises as ``survey`` does."""
    if settings.source == "cat12":
        return survey_imported(bids, labels, settings.import_kind, carried)
    return survey(bids, labels, carried)


def _jobs(found: Survey, writer: CohortWriter, settings: Preprocess, seed: int) -> dict[str, Job]:
    by = made_by(settings, seed)
    return {s.participant_id: Job(s, found.root, writer, settings, seed, by) for s in found.scans}


def _run(jobs: dict[str, Job], ledger: Ledger, settings: Preprocess) -> None:
    """Do what is left of ``jobs``."""
    before = {name: ledger.read(name) for name in jobs}
    left = [n for n, o in before.items() if o is None or o.status != "ok" or not stands(o, jobs[n])]
    if not left:
        return
    crew = backends.crew(
        do_subject,
        settings.sharing,
        _lost,
        _late,
        jobs=settings.jobs,
        seconds=settings.subject_seconds,
        logs=ledger.folder.parent / "jobs",
    )

    def done(name: str) -> bool:
        """By another process, since ``before`` was read."""
        now = ledger.read(name)
        return now is not None and now != before[name] and stands(now, jobs[name])

    failed = 0
    with (
        bar("preprocessing scans", len(jobs), done=len(jobs) - len(left)) as shown,
        Claims(ledger.folder.parent / "claims") as claims,
        closing(crew.each((name, jobs[name]) for name in claims.granted(left, done))) as results,
    ):
        for name, outcome in results:
            if outcome.code in STOPS:
                raise fail(outcome.code or "", name, outcome.message or "")
            if outcome.status == "failed":
                failed += 1
                withdraw(jobs[name].writer, name)
            ledger.write(outcome)
            claims.release(name)
            shown.advance(note=f"{failed} failed" if failed else "")


def _finish(
    writer: CohortWriter, found: Survey, jobs: dict[str, Job], mine: list[str], *, partial: bool, settings: Preprocess
) -> Counts:
    """Gather; a shard (``partial``) only once every subject has an outcome, since what is missing is another's."""
    outcomes = _standing(jobs, Ledger(writer.root))
    missing = jobs.keys() - outcomes.keys()
    counts = None
    if not (partial and missing):
        for name in missing:
            elsewhere = name in mine
            code, why = ("OPS-010", "another process is at it") if elsewhere else ("OPS-021", "--participant-label")
            outcomes[name] = Outcome(name, "not-run", code, why)
        counts = gather(writer, found, outcomes, settings)
    if counts is not None and len(mine) == len(jobs):
        return counts
    ours = [outcomes[name].status if name in outcomes else "not-run" for name in mine]
    return Counts(len(mine), ours.count("ok"), 0, ours.count("failed"), ours.count("not-run"))


def _standing(jobs: dict[str, Job], ledger: Ledger) -> dict[str, Outcome]:
    found = {name: ledger.read(name) for name in jobs}
    return {name: o for name, o in found.items() if o is not None and stands(o, jobs[name])}


def _tidy(out: Path) -> None:
    """Remove what killed processes left; nobody else is at work here."""
    shutil.rmtree(out / LEDGER / "staging", ignore_errors=True)
    durable.sweep(out / LEDGER)


def _lost(job: Job) -> Outcome:
    why = "its process died twice: out of memory, or a crash"
    return Outcome(job.name, "failed", "OPS-001", why, made_by=job.made_by)


def _late(job: Job) -> Outcome:
    return Outcome(job.name, "failed", "OPS-003", "it took too long", made_by=job.made_by)


def _writer(out: Path, settings: Preprocess) -> CohortWriter:
    about = (
        "Skull-stripped T1-weighted scans, affine to MNI; the brain's 0.5 and 99.5 percentiles at 0 and 1, "
        f"background 0. Smoothing: {settings.smooth_fwhm_mm:g} mm FWHM. tlesynth {__version__}."
    )
    return CohortWriter(out, GRIDS[settings.grid], DESC, "Preprocessed T1-weighted scans", about)
