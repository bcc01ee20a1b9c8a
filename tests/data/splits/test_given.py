"""A given split is taken as it is, or refused by name."""

from pathlib import Path

import pandas as pd
import pytest

from tlesynth import durable
from tlesynth.data.splits.given import read_given
from tlesynth.errors import TlesynthError

IDS = ["sub-1", "sub-2", "sub-3"]


def test_common_names_and_bare_ids_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "split.csv"
    path.write_text("split,participant_id\nTrain,3\nholdout,1\nvalidation,sub-2\n")
    assert read_given(path, IDS, tmp_path).to_dict() == {"sub-1": "audit_holdout", "sub-2": "val", "sub-3": "gen_train"}
    assert list(read_given(path, IDS, tmp_path).index) == IDS


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ("1\ttrain\n2\ttest\n3\tval\n1\ttest\n", "DATA-007"),
        ("1\ttrain\n2\ttest\n", "DATA-010"),
        ("1\ttrain\n2\ttest\n3\tval\n4\tval\n", "DATA-010"),
        ("1\ttrain\n2\ttest\n3\tfuture\n", "DATA-010"),
        ("1\ttrain\n2\ttest\n3\tn/a\n", "DATA-010"),
    ],
)
def test_misfits_are_refused(tmp_path: Path, rows: str, code: str) -> None:
    path = tmp_path / "split.tsv"
    path.write_text("participant_id\tsplit\n" + rows)
    with pytest.raises(TlesynthError) as caught:
        read_given(path, IDS, tmp_path)
    assert caught.value.code == code


def test_who_failed_in_preprocessing_may_be_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcomes = pd.DataFrame(
        [("sub-4", "failed", "NII-003", "x")], columns=["participant_id", "status", "code", "message"]
    )
    durable.write_table(tmp_path / "outcomes.tsv", outcomes)
    path = tmp_path / "split.tsv"
    path.write_text("participant_id\tsplit\n1\ttrain\n2\ttest\n3\tval\n4\tval\n")
    assert list(read_given(path, IDS, tmp_path).index) == IDS
    assert "1 participants of the given splits did not come through" in capsys.readouterr().err
