"""B07: what is one patient or one scan stays in one split."""

from pathlib import Path

import pandas as pd
import pytest

from tlesynth.data.splits.units import read_patients, require_one_group, require_whole, units_of
from tlesynth.errors import TlesynthError


def code_of(action: object, *arguments: object) -> str:
    with pytest.raises(TlesynthError) as caught:
        action(*arguments)
    return caught.value.code


def test_pairs_join_to_units_by_way_of_others() -> None:
    units = units_of(["a", "b", "c", "d", "e"], [("c", "b"), ("d", "c"), ("e", "e")])
    assert units.to_dict() == {"a": "a", "b": "b", "c": "b", "d": "b", "e": "e"}


def test_a_parted_unit_is_refused_and_named() -> None:
    units = units_of(["a", "b", "c"], [("a", "b")])
    require_whole(pd.Series({"a": "val", "b": "val", "c": "test"}), units, Path("x"))
    with pytest.raises(TlesynthError, match=r"DATA-007.*a \(val\) and b \(test\)"):
        require_whole(pd.Series({"a": "val", "b": "test", "c": "test"}), units, Path("x"))


def test_b06_one_scan_with_two_groups_is_refused() -> None:
    units = units_of(["a", "b"], [("a", "b")])
    assert code_of(require_one_group, units, pd.Series({"a": "hc", "b": "tle"}), Path("x")) == "DATA-021"


def test_a_table_of_patients_joins_their_ids(tmp_path: Path) -> None:
    path = tmp_path / "patients.csv"
    path.write_text("participant_id,patient_id,note\n01,P1,x\nsub-02,P2,\n03,P1,\n99,P1,\n")
    assert read_patients(path, ["sub-01", "sub-02", "sub-03"]) == [("sub-01", "sub-03")]
    assert code_of(read_patients, path, ["sub-01", "sub-04"]) == "DATA-010"
    path.write_text("participant_id,patient_id\n01,P1\n01,P2\n")
    assert code_of(read_patients, path, ["sub-01"]) == "DATA-010"
    path.write_text("participant_id\n01\n")
    assert code_of(read_patients, path, ["sub-01"]) == "DATA-001"
