"""CAT12's files are found by their kind wherever it puts them, and matched with the table."""

from pathlib import Path

import pandas as pd
import pytest

from tlesynth import durable
from tlesynth.data.sources.imported import find_imported, survey_imported
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Labels


@pytest.fixture
def root(tmp_path: Path) -> Path:
    names = [
        "mri/mwp1sub-01_T1w.nii",
        "mri/mwp2sub-01_T1w.nii",
        "mri/wmsub-01_T1w.nii",
        "mri/s10mwp1sub-01_T1w.nii",
        "sub-02/anat/mwp1T1.nii.gz",
        "sub-02/ses-2/anat/mwp1T1.nii.gz",
        "mwp1patient_7.nii",
        "mri/wmwp1sub-03.nii",
    ]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    rows = [("sub-01", "hc"), ("sub-02", "tle"), ("sub-04", "tle")]
    durable.write_table(tmp_path / "participants.tsv", pd.DataFrame(rows, columns=["participant_id", "group"]))
    return tmp_path


def test_each_kind_finds_its_own_files(root: Path) -> None:
    assert [(n, p.name) for n, p in find_imported(root)] == [("sub-01", "wmsub-01_T1w.nii")]
    assert [n for n, _ in find_imported(root, "gm")] == ["sub-01", "sub-02", "sub-02", "sub-patient7"]
    assert [p.name for _, p in find_imported(root, "smoothed-gm")] == ["s10mwp1sub-01_T1w.nii"]


def test_volumes_are_matched_with_the_table(root: Path) -> None:
    found = survey_imported(root, Labels(), "gm")
    assert [(s.participant_id, s.group) for s in found.scans] == [("sub-01", "hc"), ("sub-02", "tle")]
    assert {s.participant_id for s in found.skipped} == {"sub-04", "sub-patient7"}
    assert found.choices == (("sub-02", "the first of 2 volumes"),)


def test_a_column_named_as_a_condition_is_carried(root: Path) -> None:
    rows = [("sub-01", "hc", 0.5, 7), ("sub-02", "tle", None, 8)]
    table = pd.DataFrame(rows, columns=["participant_id", "group", "severity", "visit"])
    durable.write_table(root / "participants.tsv", table)
    found = survey_imported(root, Labels(), "gm", ("severity",))
    assert [scan.carried for scan in found.scans] == [(("severity", "0.5"),), (("severity", None),)]


def test_a_folder_without_them_is_told(tmp_path: Path) -> None:
    with pytest.raises(TlesynthError, match="there is no mwp1") as caught:
        find_imported(tmp_path, "gm")
    assert caught.value.code == "DATA-002"
