"""A rehearsal: simulated readers answer in a copy of the study, through the same store, so that what follows is tried.

The copy has another id and says ``rehearsal`` in study.json; its answers can never pass for those of people.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tlesynth import durable
from tlesynth.errors import fail
from tlesynth.progress import bar
from tlesynth.reader_study.answers import Answer, finish, open_answers, opened, record
from tlesynth.reader_study.audit import AUDIT
from tlesynth.reader_study.key import Key, require_unchanged
from tlesynth.reader_study.protocol import PROTOCOL
from tlesynth.reader_study.study import (
    ANATOMY,
    CHOICES,
    ITEMS,
    Design,
    Study,
    Trial,
    own_id,
    read_study,
    read_trials,
    verify_items,
    write_study,
)
from tlesynth.seeds import generator

SHARED = 0.5
"""Share of the variance of what a scan looks like that all readers see alike."""
STEPS = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
"""Thresholds between the six confidences, in standard deviations."""
MARGINS = np.array([0.25, 0.5, 0.75, 1.0, 1.5])
"""How much more one diagnosis must speak than the next for each step of confidence."""
FAULTS = np.array([-0.5, 0.5, 1.25, 2.0])
"""Thresholds between the scores of anatomy, from no fault downwards."""
MEDIAN_SECONDS, SPREAD = 25.0, 0.5


@dataclass(frozen=True)
class Simulated:
    """Readers to whom a synthetic scan (for diagnosis: the true one) stands out by ``d_prime`` standard deviations."""

    key: Key
    d_prime: float
    seed: int


def rehearse(folder: Path, key: Key, out: Path, d_prime: float, seed: int) -> Study:
    """Copy the study to ``out`` and let simulated readers answer all of it; the study that was made there.

    Raises:
        TlesynthError: CFG-005 if ``out`` is there already, STUDY-003 if the study is a rehearsal itself, STUDY-006
            if it was changed.
    """
    study, trials, out = read_study(folder), read_trials(folder), Path(out)
    if study.rehearsal:
        raise fail("STUDY-003", folder, "it is a rehearsal itself")
    if out.exists():
        raise fail("CFG-005", out, "it is there already, and answers are never overwritten")
    require_unchanged(folder, study, trials, key)
    verify_items(folder, study)
    copy = replace(study, id=own_id(study.id, rehearsal=True), rehearsal=True)
    with durable.publishing(out) as made:
        shutil.copytree(Path(folder) / ITEMS, made / ITEMS)
        for name in (PROTOCOL, AUDIT):
            if (Path(folder) / name).is_file():
                shutil.copy2(Path(folder) / name, made / name)
        write_study(made, copy, trials)
    _answer_all(out, copy, trials, Simulated(key, d_prime, seed))
    return copy


def _answer_all(out: Path, study: Study, trials: dict[str, tuple[Trial, ...]], simulated: Simulated) -> None:
    orders = {reader: [(trial.trial, trial.kind) for trial in asked] for reader, asked in trials.items()}
    database = open_answers(out, study.id, orders)
    say = SAYS[study.design]
    try:
        with bar("rehearsing", sum(map(len, trials.values()))) as shown:
            for reader, asked in trials.items():
                for trial in asked:
                    opened(database, reader, trial.trial)
                    answer = say(simulated, reader, trial)
                    if study.anatomy:
                        answer = replace(answer, anatomy=_anatomy(simulated, reader, trial))
                    record(database, reader, trial.trial, answer)
                    shown.advance()
                finish(database, reader)
    finally:
        database.close()


def evidence(simulated: Simulated, reader: str, trial: Trial, item: str, aspect: str = "") -> float:
    """What an item looks like to a reader in a trial: standard normal, partly the same to all readers."""
    common = generator(simulated.seed, "rehearsal", item, aspect).normal()
    own = generator(simulated.seed, "rehearsal", item, aspect, reader, trial.trial).normal()
    return float(np.sqrt(SHARED) * common + np.sqrt(1 - SHARED) * own)


def _yes_no(simulated: Simulated, reader: str, trial: Trial) -> Answer:
    seen = _synthetic_look(simulated, reader, trial, trial.items[0]) - simulated.d_prime / 2
    return _answer(simulated, reader, trial, "", 1 + int((seen > STEPS).sum()))


def _forced_choice(simulated: Simulated, reader: str, trial: Trial) -> Answer:
    first, second = (_synthetic_look(simulated, reader, trial, item) for item in trial.items)
    return _answer(simulated, reader, trial, "", 1 + int(((second - first) / np.sqrt(2) > STEPS).sum()))


def _diagnosis(simulated: Simulated, reader: str, trial: Trial) -> Answer:
    item = trial.items[0]
    truth = simulated.key.items[item].diagnosis
    kinds = list(CHOICES["diagnosis"])
    speaks = [evidence(simulated, reader, trial, item, k) + simulated.d_prime * (k == truth) for k in kinds]
    best, next_best = sorted(speaks)[:-3:-1]
    choice = kinds[int(np.argmax(speaks))]
    return _answer(simulated, reader, trial, choice, 1 + int((best - next_best > MARGINS).sum()))


SAYS: dict[Design, Callable[[Simulated, str, Trial], Answer]] = {
    "yes-no": _yes_no,
    "2afc": _forced_choice,
    "diagnosis": _diagnosis,
}


def _anatomy(simulated: Simulated, reader: str, trial: Trial) -> int:
    item = trial.items[0]
    synthetic = simulated.key.items[item].origin == "synthetic"
    seen = evidence(simulated, reader, trial, item, "anatomy") + simulated.d_prime * synthetic
    return len(ANATOMY) - int((seen > FAULTS).sum())


def _synthetic_look(simulated: Simulated, reader: str, trial: Trial, item: str) -> float:
    synthetic = simulated.key.items[item].origin == "synthetic"
    return evidence(simulated, reader, trial, item) + simulated.d_prime * synthetic


def _answer(simulated: Simulated, reader: str, trial: Trial, choice: str, confidence: int) -> Answer:
    pace = generator(simulated.seed, "rehearsal", "seconds", reader, trial.trial).normal()
    seconds = round(float(MEDIAN_SECONDS * np.exp(SPREAD * pace)), 2)
    return Answer(choice, confidence, seconds)
