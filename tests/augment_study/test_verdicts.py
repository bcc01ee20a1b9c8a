"""Tables of verdicts are read as written, and each subject gets one mean score and one majority call."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tlesynth import durable
from tlesynth.augment_study.verdicts import averaged, read_verdicts, subjects_of, verdicts_of
from tlesynth.errors import TlesynthError

Table = Callable[..., pd.DataFrame]


def test_what_was_written_is_read(table: Table, tmp_path: Path) -> None:
    made = table({"real": 1.0}, per_class=6, splits=1, seeds=2)
    for seed in (1, 2):
        durable.write_table(tmp_path / f"{seed}.tsv", made[made["seed"] == seed])
    found = read_verdicts(tmp_path / f"{seed}.tsv" for seed in (1, 2))
    assert len(found) == len(made) and found["probability"].dtype == float


@pytest.mark.parametrize(
    ("text", "why"), [("arm\tseed\nreal\t1\n", "no column network"), (None, "t.tsv"), ("damaged", "no column network")]
)
def test_a_damaged_table_is_one_error(text: str | None, why: str, tmp_path: Path) -> None:
    if text:
        (tmp_path / "t.tsv").write_text(text)
    with pytest.raises(TlesynthError, match=why) as caught:
        read_verdicts([tmp_path / "t.tsv"])
    assert caught.value.code in ("DATA-001", "DATA-011")


def test_a_subject_counts_once_however_often_it_was_judged() -> None:
    rows = [("split1", 1, "a", 0, 0.2, 0), ("split1", 1, "b", 1, 0.9, 1), ("split2", 1, "a", 0, 0.6, 1)]
    columns = ["split", "seed", "participant_id", "truth", "probability", "called"]
    table = pd.DataFrame(rows, columns=columns).assign(network="n", arm="real")
    subjects = subjects_of(table, pd.DataFrame(index=pd.Index(["a", "b", "c"])))
    found = averaged(verdicts_of(table, subjects), subjects)
    assert list(subjects.table.index) == ["a", "b"] and list(subjects.positive) == [False, True]
    assert found.probability == pytest.approx([0.4, 0.9]) and list(found.called) == [True, True]
    assert np.array_equal(found.rows, [0, 1])
