"""What the reader study's section of the page shows: which columns for which design, and the verdict in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tlesynth.report.pictures import Picture
from tlesynth.report.reader_study_figures import score_of
from tlesynth.report.sources import Absent, Files

NONE_MADE = "No reader study is part of this report: nobody was asked to tell synthetic from real scans."
REHEARSED = "The reader study of this report is a rehearsal: no human read these; its numbers say nothing of the scans."
FEW_READERS = "The reader study's readers are few, and those of one study; its interval for other readers is wide."
VERDICTS = {
    "chance": "Not told apart.",
    "above chance": "Told apart.",
    "below chance": "Told apart, but taken for the opposite.",
    "undecided": "Undecided: too few answers for either claim.",
    "equivalent": "Diagnosed like real scans.",
    "different": "Not diagnosed like real scans.",
}


@dataclass(frozen=True)
class Column:
    """A column of the readers' table: a key of score.json and how it prints."""

    key: str
    title: str
    places: int = 2
    percent: bool = False
    sign: bool = False


COLUMNS = {
    "yes-no": (
        Column("auc", "AUC"),
        Column("d_prime", "d'", sign=True),
        Column("criterion", "c", sign=True),
        Column("hit_rate", "hits", 0, True),
        Column("false_alarm_rate", "false alarms", 0, True),
        Column("balanced_accuracy", "balanced accuracy", 0, True),
    ),
    "2afc": (Column("share", "right", 0, True), Column("second_named", "second named", 0, True)),
    "diagnosis": (
        Column("synthetic", "right, synthetic", 0, True),
        Column("real", "right, real", 0, True),
        Column("difference", "difference", sign=True),
    ),
}
CLASS_COLUMNS = {
    "yes-no": (("hit_rate", "hits"), ("false_alarm_rate", "false alarms")),
    "2afc": (("share", "right"),),
    "diagnosis": (("synthetic", "right, synthetic"), ("real", "right, real")),
}
CAPTIONS = {
    "yes-no": "ROC curve of each reader's confidence",
    "2afc": "Share of right choices; the band is the margin around chance",
    "diagnosis": "Accuracy on synthetic minus accuracy on real scans; the band is the margin",
}


@dataclass(frozen=True)
class Section:
    """The reader study as the template takes it."""

    design: str
    rehearsal: bool
    held_out: bool
    recognised: bool
    missing: bool
    verdict: str
    readers: tuple[str, ...]
    classes: tuple[str, ...]
    columns: tuple[Column, ...]
    class_columns: tuple[tuple[str, str], ...]
    pictures: tuple[Picture, ...]
    captions: tuple[str, ...]
    anatomy: bool
    score: str
    """The file of every figure, and beside it the table of answers."""
    table: str
    would_be: tuple[Any, ...]


def section(files: Files, drawn: dict[str, Picture]) -> Section | None:
    """The section of the run's study, or nothing where it holds no score."""
    score = score_of(files)
    try:
        found = files.document(score)
    except Absent:
        return None
    if "about" not in found:
        return None
    about = found["about"]
    return Section(
        design=about["design"],
        rehearsal=about["rehearsal"],
        held_out=about["made"].get("held_out", False),
        recognised=bool(about["recognised"]),
        missing=bool(about["missing"]),
        verdict=VERDICTS[found["all"]["verdict"]],
        readers=tuple(found["readers"]),
        classes=tuple(found["classes"]),
        columns=COLUMNS[about["design"]],
        class_columns=CLASS_COLUMNS[about["design"]],
        pictures=tuple(drawn.values()),
        anatomy="anatomy" in found,
        score=score,
        table=score.replace("score.json", "score.tsv"),
        captions=(CAPTIONS[about["design"]], "How often each confidence was given"),
        would_be=tuple(found.get("papers_statistic", {}).get("would_be", ())),
    )


def limitation(files: Files) -> str:
    """What a reader of the page must keep in mind of the study: that there is none, that it is rehearsed or small."""
    try:
        found = files.document(score_of(files))
    except Absent:
        return NONE_MADE
    if "about" not in found:
        return f"{NONE_MADE} Nor could one be rehearsed: {found['not_computed']}"
    return REHEARSED if found["about"]["rehearsal"] else FEW_READERS
