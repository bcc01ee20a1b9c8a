import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from tlesynth.errors import PRIVACY, TlesynthError
from tlesynth.metrics.statistics import auc
from tlesynth.reader_study.answers import read_answers
from tlesynth.reader_study.audit import audit
from tlesynth.reader_study.create import Made, Plan, Sources, create
from tlesynth.reader_study.key import Key, Truth, read_key
from tlesynth.reader_study.methods import methods
from tlesynth.reader_study.rehearsal import SAYS, Simulated, rehearse
from tlesynth.reader_study.scoring import SCORE, require_apart, score, write
from tlesynth.reader_study.study import REHEARSED, STUDY, Design, Trial, read_study, verify_items

N = 800


@pytest.fixture(scope="module")
def rehearsed(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("rehearsal") / "copy"
    rehearse(made.folder, read_key(made.key, made.study), out, 6.0, 0)
    return out


def test_simulated_readers_answer_everything_through_the_store(made: Made, rehearsed: Path) -> None:
    answers = read_answers(rehearsed)
    assert len(answers) == 2 * 20 and (answers["seconds"] > 0).all()
    result = score(rehearsed, made.key, answers).result
    assert result["about"]["banner"] == REHEARSED and result["all"]["auc"]["value"] > 0.9


def test_a_rehearsal_is_another_study_and_says_so_wherever_it_goes(made: Made, rehearsed: Path, tmp_path: Path) -> None:
    copy = read_study(rehearsed)
    verify_items(rehearsed, copy)
    assert copy.rehearsal and copy.id != made.study.id and not (made.folder / "study.sqlite").exists()
    write(score(rehearsed, made.key, read_answers(rehearsed)), tmp_path)
    assert all(REHEARSED in (tmp_path / name).read_text() for name in ("score.json", "methods.md"))


def test_nothing_is_overwritten_and_a_rehearsal_is_not_rehearsed(made: Made, rehearsed: Path, tmp_path: Path) -> None:
    key = read_key(made.key, made.study)
    with pytest.raises(TlesynthError, match="CFG-005"):
        rehearse(made.folder, key, rehearsed, 0.5, 0)
    with pytest.raises(TlesynthError, match="STUDY-003"):
        rehearse(rehearsed, key, tmp_path / "again", 0.5, 0)


def _answers(design: Design, d_prime: float) -> tuple[list[Trial], list, Key]:
    sides = ("left", "right")
    items = {f"r{k}": Truth("real", "tle", sides[k % 2], "a") for k in range(N)}
    items |= {f"s{k}": Truth("synthetic", "tle", sides[k % 2], "b") for k in range(N)}
    key = Key("s", "0", items, {})
    shown = [(i,) for i in items] if design != "2afc" else [(f"r{k}", f"s{k}")[:: 1 - 2 * (k % 2)] for k in range(N)]
    trials = [Trial(f"t{k}", "case", pair) for k, pair in enumerate(shown)]
    simulated = Simulated(key, d_prime, 0)
    return trials, [SAYS[design](simulated, "reader-1", trial) for trial in trials], key


@pytest.mark.parametrize("d_prime", [0.0, 1.0])
def test_simulated_readers_see_as_well_as_they_are_told(d_prime: float) -> None:
    expected = float(stats.norm.cdf(d_prime / np.sqrt(2)))
    trials, said, key = _answers("yes-no", d_prime)
    synthetic = np.array([key.items[t.items[0]].origin == "synthetic" for t in trials])
    assert auc(np.array([a.confidence for a in said]), synthetic) == pytest.approx(expected, abs=0.04)
    trials, said, key = _answers("2afc", d_prime)
    right = [(a.confidence > 3) == key.second_is_synthetic(t) for t, a in zip(trials, said, strict=True)]
    assert np.mean(right) == pytest.approx(expected, abs=0.04)


def test_simulated_diagnoses_are_a_third_right_by_guessing() -> None:
    for d_prime, low, high in ((0.0, 0.28, 0.39), (3.0, 0.9, 1.0)):
        trials, said, key = _answers("diagnosis", d_prime)
        right = [a.choice == key.items[t.items[0]].diagnosis for t, a in zip(trials, said, strict=True)]
        assert low < np.mean(right) < high and {a.confidence for a in said} <= set(range(1, 7))


def edited(folder: Path, **changes: object) -> None:
    asked = json.loads((folder / STUDY).read_text())
    (folder / STUDY).write_text(json.dumps(asked | changes))


def test_a_rehearsal_cannot_be_made_to_look_like_a_reading(made: Made, rehearsed: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(rehearsed, copy)
    edited(copy, rehearsal=False)
    with pytest.raises(TlesynthError, match="STUDY-006"):
        score(copy, made.key, read_answers(copy))
    edited(copy, rehearsal=False, id=made.study.id)
    with pytest.raises(TlesynthError, match="STUDY-021"):
        read_answers(copy, made.study.id)


def test_a_question_changed_by_hand_is_refused(made: Made, rehearsed: Path, tmp_path: Path) -> None:
    copy, key = tmp_path / "copy", read_key(made.key, made.study)
    shutil.copytree(rehearsed, copy)
    edited(copy, design="2afc")
    for refused in (lambda: score(copy, made.key, read_answers(copy)), lambda: audit(copy, key)):
        with pytest.raises(TlesynthError, match="STUDY-006") as caught:
            refused()
        assert caught.value.exit_status == PRIVACY


def test_a_rehearsal_does_not_take_the_place_of_what_people_said(tmp_path: Path) -> None:
    (tmp_path / "result").mkdir()
    (tmp_path / "result" / SCORE).write_text('{"about": {"rehearsal": false}}')
    require_apart(tmp_path / "study", tmp_path / "result", partial=False)
    with pytest.raises(TlesynthError, match="STUDY-003.*people"):
        require_apart(tmp_path / "study", tmp_path / "result", partial=False, rehearsal=True)


def test_simulated_readers_score_the_anatomy_by_how_well_they_see(cohorts: Sources, tmp_path: Path) -> None:
    made = create(cohorts, Plan("yes-no", 16, 1, 0, 0, anatomy=True), tmp_path / "study")
    key = read_key(made.key, made.study)
    rehearse(made.folder, key, tmp_path / "copy", 3.0, 0)
    result = score(tmp_path / "copy", made.key, read_answers(tmp_path / "copy")).result
    assert result["anatomy"]["difference"]["high"] < -1 and sum(result["anatomy"]["counts"]["real"]) == 8
    assert "The anatomy of real scans scored" in methods(result)
