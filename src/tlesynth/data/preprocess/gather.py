"""What is known of all subjects becomes the cohort: verdicts, tables, participants.tsv.

Any process may gather, again and again: the result depends only on the outcome files.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping
from pathlib import Path

import pandas as pd

from tlesynth import durable
from tlesynth.data.cohort import COLUMNS, LEDGER, Cohort, CohortWriter
from tlesynth.data.preprocess import homogeneity
from tlesynth.data.preprocess.ledger import Counts, Outcome, counts_of, judged, summary, write_tables
from tlesynth.data.sources.bids import Scan, Skipped, Survey
from tlesynth.errors import fail
from tlesynth.progress import say
from tlesynth.recipe import Preprocess
from tlesynth.sharing.claims import one_at_a_time

NOT_BIDS = (
    "qc.tsv",
    "qc.html",
    "outcomes.tsv",
    "volumes.tsv",
    "*_xfm.json",
    "*_morph.nii.gz",
    "*_morph.json",
    f"{LEDGER}/",
)
"""What we write beside the files that BIDS has names for."""


@contextlib.contextmanager
def gathering(out: Path) -> Generator[None]:
    """While this block runs no other process gathers in ``out``; read the outcomes inside it."""
    with one_at_a_time(out / LEDGER / "gather"):
        yield


def gather(writer: CohortWriter, found: Survey, outcomes: Mapping[str, Outcome], settings: Preprocess) -> Counts:
    """Judge the cohort as a whole and write its tables; ``outcomes`` holds one for each scan.

    Raises:
        TlesynthError: DATA-005 if no scan is left; the tables are written first.
    """
    out = writer.root
    everyone = _judged(writer, found, outcomes, settings) | {s.participant_id: _skipped(s) for s in found.skipped}
    write_tables(out, everyone, _people(found))
    counts = counts_of(everyone, discovered=len(found.scans) + len(found.skipped))
    for line in summary(o for o in everyone.values() if o.status != "ok"):
        say(line)
    writer.finish(_participants(found.scans, everyone))
    durable.write_text(out / ".bidsignore", "".join(f"{pattern}\n" for pattern in NOT_BIDS))
    if not counts.ok:
        raise fail("DATA-005", out, "; ".join(summary(everyone.values())))
    return counts


def _judged(
    writer: CohortWriter, found: Survey, outcomes: Mapping[str, Outcome], settings: Preprocess
) -> dict[str, Outcome]:
    sites = {scan.participant_id: scan.site for scan in found.scans}
    done = [o for _, o in sorted(outcomes.items()) if o.status == "ok"]
    if not done:
        return dict(outcomes)
    rows = [{"participant_id": o.participant_id, "site": sites[o.participant_id], **o.quality} for o in done]
    cohort = Cohort(writer.root, writer.grid, writer.desc, pd.DataFrame())
    thumbs = {o.participant_id: cohort.thumbnail(o.participant_id) for o in done}
    return judged(outcomes, homogeneity.judge(pd.DataFrame(rows), thumbs, settings.qc))


def note_stop(out: Path, found: Survey, outcomes: Mapping[str, Outcome], code: str) -> None:
    """Write the tables of a run that stopped early: scans without an outcome are not-run, with the stop's code."""
    everyone = {s.participant_id: _skipped(s) for s in found.skipped}
    for scan in found.scans:
        name = scan.participant_id
        everyone[name] = outcomes.get(name) or Outcome(name, "not-run", code, "the run stopped before this subject")
    write_tables(out, everyone, _people(found))
    counts_of(everyone, discovered=len(found.scans) + len(found.skipped))


def _people(found: Survey) -> dict[str, tuple[str | None, str | None]]:
    return {scan.participant_id: (scan.group, scan.site) for scan in found.scans}


def _skipped(skipped: Skipped) -> Outcome:
    return Outcome(skipped.participant_id, "skipped", skipped.code, skipped.why)


def _participants(scans: tuple[Scan, ...], outcomes: Mapping[str, Outcome]) -> pd.DataFrame:
    """A row for each scan that is kept: what we name, and what the recipe carries on and we do not measure."""
    measured = {name for outcome in outcomes.values() for name in outcome.volumes}
    kept = [scan for scan in scans if outcomes[scan.participant_id].status == "ok"]
    carried = dict.fromkeys(name for scan in kept for name, _ in scan.carried if name not in measured)
    rows = [{c: getattr(scan, c) for c in COLUMNS} | dict(scan.carried) for scan in kept]
    return pd.DataFrame(rows, columns=[*COLUMNS, *carried]).set_index("participant_id")
