import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from tlesynth.errors import PRIVACY, TlesynthError
from tlesynth.reader_study.create import Made
from tlesynth.reader_study.key import Key, read_key
from tlesynth.reader_study.scoring import METHODS, SCORE, TABLE, harmless, require_apart, score, write
from tlesynth.reader_study.study import Trial, item_path

from .answering import Said, answers_by


@pytest.fixture(scope="module")
def key(made: Made) -> Key:
    return read_key(made.key, made.study)


@pytest.fixture
def answers(made: Made, key: Key) -> pd.DataFrame:
    """Reader 1 sees everything; reader 2 answers by the item's name, which tells nothing."""

    def says(reader: str, trial: Trial) -> Said:
        synthetic = key.items[trial.items[0]].origin == "synthetic"
        return ("", (6 if synthetic else 1) if reader == "reader-1" else 1 + int(trial.items[0], 16) % 6)

    return answers_by(made, says)


def test_a_study_is_scored(made: Made, answers: pd.DataFrame, tmp_path: Path) -> None:
    scored = score(made.folder, made.key, answers)
    result = scored.result
    assert result["readers"]["reader-1"]["auc"]["value"] == 1 and result["readers"]["reader-1"]["hits"] == 8
    assert result["readers"]["reader-1"]["answered"] == 16 and result["about"]["answers"] == 36
    assert result["all"]["auc"]["readers"] == 2 and result["about"]["banner"] == "" and not result["about"]["missing"]
    assert result["agreement"]["agreement"]["n"] == 16
    write(scored, tmp_path / "out")
    assert json.loads((tmp_path / "out" / SCORE).read_text()) == result
    assert len(pd.read_csv(tmp_path / "out" / TABLE, sep="\t")) == 36
    assert "## Methods" in (tmp_path / "out" / METHODS).read_text()


def test_the_same_answers_give_the_same_score(made: Made, answers: pd.DataFrame) -> None:
    mixed = answers.sample(frac=1, random_state=0)
    assert score(made.folder, made.key, answers).result == score(made.folder, made.key, mixed).result


def test_a_study_that_is_not_finished_is_scored_on_purpose_alone(made: Made, answers: pd.DataFrame) -> None:
    some = answers[answers["reader"] == "reader-1"]
    with pytest.raises(TlesynthError, match="STUDY-009.*answered, with the practice: reader-2 0 of 20"):
        score(made.folder, made.key, some)
    assert score(made.folder, made.key, some, partial=True).result["about"]["missing"] == {"reader-2": 20}


def test_a_key_or_an_item_changed_since_is_refused(
    made: Made, copied: Path, answers: pd.DataFrame, tmp_path: Path
) -> None:
    other = tmp_path / "key.json"
    other.write_text(made.key.read_text().replace('"real"', '"synthetic"', 1))
    with pytest.raises(TlesynthError, match="STUDY-005") as refused:
        score(made.folder, other, answers)
    assert refused.value.exit_status == PRIVACY
    one, two = list(made.study.items)[:2]
    shutil.copy(item_path(copied, one), item_path(copied, two))
    with pytest.raises(TlesynthError, match="STUDY-006"):
        score(copied, made.key, answers)


def test_comments_are_no_formulas(made: Made, answers: pd.DataFrame, tmp_path: Path) -> None:
    assert harmless('=HYPERLINK("x")') == '\'=HYPERLINK("x")' and harmless("too\tsmooth\n") == "too smooth"
    scored = score(made.folder, made.key, answers.assign(comment="@x"))
    write(scored, tmp_path)
    assert set(pd.read_csv(tmp_path / TABLE, sep="\t")["comment"]) == {"'@x"}


def test_the_machine_reader_stands_beside_the_readers(made: Made, copied: Path, answers: pd.DataFrame) -> None:
    (copied / "audit.json").write_text(json.dumps({"machine_reader": {"auc": {"value": 0.9}}}))
    assert score(copied, made.key, answers).result["machine_reader"]["auc"]["value"] == 0.9
    (copied / "audit.json").unlink()
    assert "not_computed" in score(copied, made.key, answers).result["machine_reader"]


def test_the_truth_is_not_written_into_a_study_that_is_still_read(made: Made, copied: Path, tmp_path: Path) -> None:
    for out, partial in ((made.folder, True), (copied, False)):
        with pytest.raises(TlesynthError, match="STUDY-003"):
            require_apart(made.folder, out, partial=partial)
    require_apart(made.folder, made.folder, partial=False)
    require_apart(made.folder, tmp_path / "out", partial=True)
