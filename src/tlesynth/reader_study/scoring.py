"""Scoring: answers, truth and nothing else to ``score.json``, ``score.tsv`` and ``methods.md``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from tlesynth import __version__, durable
from tlesynth.errors import fail
from tlesynth.metrics.statistics import Json, Resampling, not_computed
from tlesynth.reader_study import by_reader
from tlesynth.reader_study.audit import AUDIT
from tlesynth.reader_study.designs import MEASURES, anatomy
from tlesynth.reader_study.key import read_key, require_unchanged
from tlesynth.reader_study.methods import methods
from tlesynth.reader_study.power import CONFIDENCE, MARGIN
from tlesynth.reader_study.study import REHEARSED, STUDY, Study, Trial, read_study, read_trials, verify_items
from tlesynth.reader_study.unblinding import CALLS, unblind, unfinished
from tlesynth.seeds import generator

SCORE, TABLE, METHODS = "score.json", "score.tsv", "methods.md"
RESAMPLES = 2000
FORMULA = ("=", "+", "-", "@")
"""A cell that begins with one of these is a formula to a spreadsheet."""


@dataclass(frozen=True)
class Scored:
    """The result of a study: what score.json holds, and the unblinded answers."""

    result: Json
    table: pd.DataFrame


def score(folder: Path, key: Path, answers: pd.DataFrame, *, partial: bool = False) -> Scored:
    """Score the ``answers`` (as ``answers.read_answers`` gives them) to the study in ``folder``.

    Raises:
        TlesynthError: STUDY-005 or -006 if the key or the study was changed, STUDY-008 if the answers are of another,
            STUDY-009 if a reader has not finished and ``partial`` is not set, STUDY-011 if there is no answer.
    """
    study, trials = read_study(folder), read_trials(folder)
    truth = read_key(key, study)
    require_unchanged(folder, study, trials, truth)
    verify_items(folder, study)
    table = unblind(study, trials, truth, answers, Path(folder))
    missing = unfinished(trials, answers)
    if missing and not partial:
        raise fail("STUDY-009", folder, _counts(trials, missing))
    how = Resampling(RESAMPLES, CONFIDENCE, generator(study.seed, "study score", study.id))
    cases = table[table["kind"] == "case"]
    if cases.empty:
        raise fail("STUDY-011", folder)
    found = MEASURES[study.design](cases, how)
    for reader, rows in table.groupby("reader"):
        own = found["readers"].setdefault(str(reader), {})
        own |= by_reader.conduct(rows[rows["kind"] == "case"])
        own["with_oneself"] = by_reader.with_oneself(rows, CALLS[study.design], how)
    result = {"about": _about(study, missing, table)} | found
    if study.anatomy:
        result["anatomy"] = anatomy(cases, how)
    result["agreement"] = by_reader.with_each_other(cases, CALLS[study.design], how)
    result["seconds"] = {str(o): by_reader.seconds(rows["seconds"]) for o, rows in cases.groupby("origin")}
    result["machine_reader"] = _machine(Path(folder))
    return Scored(result, table)


def require_apart(folder: Path, out: Path, *, partial: bool, rehearsal: bool = False) -> None:
    """Refuse to write the truth of each item, which ``score.tsv`` tells, into a study that is still to be read, and a
    rehearsal over what people said.

    Raises:
        TlesynthError: STUDY-003 if ``out`` is the study of a partial score, another study than that in ``folder``, or
            holds the result of a reading where this is of a ``rehearsal``.
    """
    own = out.resolve() == Path(folder).resolve()
    if (own and partial) or (not own and (out / STUDY).is_file()):
        raise fail("STUDY-003", "--out", f"{out.name} is a study to be read, and the table tells what each item is")
    if rehearsal and (out / SCORE).is_file() and not durable.read_json(out / SCORE)["about"]["rehearsal"]:
        raise fail("STUDY-003", "--out", f"{out.name} holds what people said, and this is a rehearsal")


def write(scored: Scored, out: Path) -> None:
    """Write ``score.json``, ``score.tsv`` (an answer a row) and ``methods.md`` into ``out``."""
    durable.write_json(Path(out) / SCORE, scored.result)
    durable.write_table(Path(out) / TABLE, scored.table.assign(comment=scored.table["comment"].map(harmless)))
    durable.write_text(Path(out) / METHODS, methods(scored.result))


def harmless(text: str) -> str:
    """A comment on one line that no spreadsheet takes for a formula."""
    line = " ".join(text.split())
    return f"'{line}" if line.startswith(FORMULA) else line


def _counts(trials: dict[str, tuple[Trial, ...]], missing: dict[str, int]) -> str:
    """How far the readers are who have not answered all, as the administrator's page counts it."""
    far = [f"{reader} {len(trials[reader]) - left} of {len(trials[reader])}" for reader, left in missing.items()]
    return f"answered, with the practice: {', '.join(far)}"


def _about(study: Study, missing: dict[str, int], table: pd.DataFrame) -> Json:
    return {
        "study": study.id,
        "design": study.design,
        "seed": study.seed,
        "created": study.created,
        "version": __version__,
        "rehearsal": study.rehearsal,
        "banner": REHEARSED if study.rehearsal else "",
        "readers": int(table["reader"].nunique()),
        "cases": int(table.loc[table["kind"] == "case", "case"].nunique()),
        "answers": len(table),
        "recognised": int(table["recognised"].sum()),
        "asked": len(study.readers),
        "missing": missing,
        "confidence": CONFIDENCE,
        "margin": MARGIN,
        "question": study.question,
        "grid": study.grid,
        "convention": study.convention,
        "anatomy": list(study.anatomy),
        "key_sha256": study.key_sha256,
        "made": study.made,
    }


def _machine(folder: Path) -> Json:
    """The machine reader's AUC, from the audit, where it was run in full."""
    path = folder / AUDIT
    found = durable.read_json(path, "STUDY-001") if path.is_file() else {}
    return found.get("machine_reader") or not_computed("the audit was not run", "tlesynth study audit")
