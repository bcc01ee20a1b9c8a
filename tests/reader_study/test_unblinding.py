from pathlib import Path

import pandas as pd
import pytest

from tlesynth.errors import TlesynthError
from tlesynth.reader_study.create import Made
from tlesynth.reader_study.key import Key, read_key
from tlesynth.reader_study.study import read_trials
from tlesynth.reader_study.unblinding import unblind, unfinished

from .answering import answers_by


@pytest.fixture(scope="module")
def key(made: Made) -> Key:
    return read_key(made.key, made.study)


@pytest.fixture
def answers(made: Made, key: Key) -> pd.DataFrame:
    return answers_by(made, lambda _, trial: ("", 6 if key.items[trial.items[0]].origin == "synthetic" else 1))


def _table(made: Made, key: Key, answers: pd.DataFrame) -> pd.DataFrame:
    return unblind(made.study, read_trials(made.folder), key, answers, Path("study"))


def test_answers_stand_beside_the_truth_without_the_warm_ups(made: Made, key: Key, answers: pd.DataFrame) -> None:
    table = _table(made, key, answers)
    assert len(table) == 2 * 18 and table["right"].all() and set(table["kind"]) == {"case", "repeat"}
    assert (table["truth"] == table["origin"]).all() and (table["called"] == table["truth"]).all()
    again = table[table["kind"] == "repeat"]
    first = table.set_index("trial").loc[again["first"]]
    assert first["case"].tolist() == again["case"].tolist() and (first["kind"] == "case").all()
    assert table.groupby("reader")["place"].apply(lambda p: p.is_monotonic_increasing).all()


def test_who_has_not_finished_is_known(made: Made, answers: pd.DataFrame) -> None:
    trials = read_trials(made.folder)
    assert unfinished(trials, answers) == {}
    assert unfinished(trials, answers[answers["reader"] == "reader-1"]) == {"reader-2": 20}  # practice included


@pytest.mark.parametrize("fault", ["trial", "reader", "confidence", "twice", "column"])
def test_answers_of_another_study_are_refused(made: Made, key: Key, answers: pd.DataFrame, fault: str) -> None:
    wrong = answers.astype({"confidence": object})
    if fault in ("trial", "reader", "confidence"):
        wrong.loc[3, fault] = {"trial": "0" * 32, "reader": "reader-9", "confidence": 7}[fault]
    elif fault == "twice":
        wrong = pd.concat([wrong, wrong.iloc[:1]])
    else:
        wrong = wrong.drop(columns="seconds")
    with pytest.raises(TlesynthError, match="STUDY-008"):
        _table(made, key, wrong)


def test_warm_ups_alone_are_no_answers(made: Made, key: Key) -> None:
    warm = answers_by(made, lambda _, trial: ("", 3) if trial.kind == "warm-up" else None)
    with pytest.raises(TlesynthError, match="STUDY-011"):
        _table(made, key, warm)
