"""Answers beside the truth: one row an answer, which every statistic starts from.

Columns: reader, trial, kind, place (in the reader's list), case (its items), origin, group, side, stratum, truth (the
right answer), called (the answer given), right, confidence, seconds, display, suspicions (regions marked), recognised
(known from outside the study), anatomy (its score, 0 where it was not asked for), comment, first (of a repeat, the
trial that showed the case first).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from tlesynth.errors import fail
from tlesynth.reader_study.key import Key
from tlesynth.reader_study.study import CONFIDENCES, Study, Trial, called

NEEDED = ("reader", "trial", "choice", "confidence", "seconds", "display", "regions", "comment")
CALLS = {"yes-no": ("real", "synthetic"), "2afc": ("first", "second"), "diagnosis": ("hc", "left", "right")}


def unblind(
    study: Study, trials: Mapping[str, tuple[Trial, ...]], key: Key, answers: pd.DataFrame, where: Path
) -> pd.DataFrame:
    """The scored answers (warm-ups left out) in the order of the lists; ``where`` names the study in errors.

    Raises:
        TlesynthError: STUDY-008 if an answer is not of this study, STUDY-011 if there is none to a case.
    """
    asked = {t.trial: (reader, place, t) for reader, listed in trials.items() for place, t in enumerate(listed)}
    _require_fitting(study, asked, answers, where)
    rows = [
        _row(study, key, answer, *asked[answer["trial"]])
        for answer in answers.to_dict("records")
        if asked[answer["trial"]][2].kind != "warm-up"
    ]
    if not rows:
        raise fail("STUDY-011", where)
    return pd.DataFrame(rows).sort_values(["reader", "place"], ignore_index=True)


def unfinished(trials: Mapping[str, tuple[Trial, ...]], answers: pd.DataFrame) -> dict[str, int]:
    """How much each reader has not answered, warm-ups too, of those who have not answered all."""
    answered = answers.groupby("reader").size()
    missing = {reader: len(listed) - int(answered.get(reader, 0)) for reader, listed in trials.items()}
    return {reader: count for reader, count in missing.items() if count}


def _require_fitting(
    study: Study, asked: Mapping[str, tuple[str, int, Trial]], answers: pd.DataFrame, where: Path
) -> None:
    if missing := [column for column in NEEDED if column not in answers]:
        raise fail("STUDY-008", where, f"the answers have no column {missing[0]}")
    if answers["trial"].duplicated().any():
        raise fail("STUDY-008", where, "a trial is answered twice")
    for answer in answers.to_dict("records"):
        if answer["trial"] not in asked or asked[answer["trial"]][0] != answer["reader"]:
            raise fail("STUDY-008", where, f"an answer of {answer['reader']} is to no trial of that reader")
        if answer["confidence"] not in CONFIDENCES:
            raise fail("STUDY-008", where, f"confidence {answer['confidence']!r} is not 1 to 6")
        if study.choices and answer["choice"] not in study.choices:
            raise fail("STUDY-008", where, f"{answer['choice']!r} cannot be chosen")


def _row(study: Study, key: Key, answer: dict[Any, Any], reader: str, place: int, trial: Trial) -> dict[str, Any]:
    truth = key.items[trial.items[0]]
    said = _said(study, answer)
    right = _right(study, key, trial)
    return {
        "reader": reader,
        "trial": trial.trial,
        "kind": trial.kind,
        "place": place,
        "case": "+".join(sorted(trial.items)),
        "origin": "pair" if len(trial.items) > 1 else truth.origin,
        "group": truth.group,
        "side": truth.side,
        "stratum": truth.stratum,
        "truth": right,
        "called": said,
        "right": said == right,
        "confidence": int(answer["confidence"]),
        "seconds": float(answer["seconds"]),
        "display": answer["display"],
        "suspicions": _regions(answer["regions"]),
        "recognised": bool(answer.get("recognised", False)),
        "anatomy": int(answer.get("anatomy", 0)),
        "comment": answer["comment"] or "",
        "first": key.repeats.get(trial.trial),
    }


def _said(study: Study, answer: dict[Any, Any]) -> str:
    if study.choices:
        return str(answer["choice"])
    return CALLS[study.design][int(called(int(answer["confidence"])))]


def _right(study: Study, key: Key, trial: Trial) -> str:
    if study.design == "2afc":
        return CALLS["2afc"][int(key.second_is_synthetic(trial))]
    truth = key.items[trial.items[0]]
    return truth.origin if study.design == "yes-no" else str(truth.diagnosis)


def _regions(regions: Any) -> int:
    """How many places were marked; the list, or its JSON."""
    found = json.loads(regions) if isinstance(regions, str) and regions else regions
    return len(found) if isinstance(found, list) else 0
