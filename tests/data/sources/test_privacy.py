"""Columns that may identify a person are named. Fault catalogue row B13."""

import json
from pathlib import Path

import pytest

from tlesynth.data.sources.meaning import read_people
from tlesynth.data.sources.privacy import require_nameless, suspicious_columns, suspicious_keys
from tlesynth.data.sources.tables import read_table
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Labels


@pytest.mark.parametrize(
    ("column", "cell", "expected"),
    [
        ("patient_name", "x", True),
        ("DateOfBirth", "x", True),
        ("MRN", "1", True),
        ("scan day", "2019-04-01", True),
        ("seen", "3.4.2019", True),
        ("contact", "a@b.org", True),
        ("username_rank", "3", False),
        ("L.hipp Volume", "0.2834", False),
        ("onset", "12", False),
        ("ICD-10", "F32.0", False),
    ],
)
def test_b13_names_dates_and_addresses_are_recognised(column: str, cell: str, expected: bool, tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text(f"participant_id\t{column}\nname\t{cell}\n")
    lines = suspicious_columns((read_table(tmp_path / "t.tsv"),), Labels())
    assert bool(lines) == expected
    assert all(repr(column) in line for line in lines)


@pytest.mark.parametrize(
    ("column", "why"), [("surname", "surname"), ("seen", "holds dates"), ("IXI_ID", "the part.* id")]
)
def test_a_column_that_may_identify_a_person_is_never_carried(column: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "participants.tsv").write_text("IXI_ID\tgroup\tsurname\tseen\tseverity\n1\thc\tx\t2019-04-01\t3\n")
    labels = Labels(id_column="IXI_ID")
    require_nameless(read_people(tmp_path, labels, ("severity",)))
    with pytest.raises(TlesynthError, match=why) as caught:
        require_nameless(read_people(tmp_path, labels, ("severity", column)))
    assert caught.value.code == "PRIV-001" and caught.value.exit_status == 9


def test_b13_ages_above_89_are_counted(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("participant_id\tage\n1\t89\n2\t90\n3\t94+\n")
    assert suspicious_columns((read_table(tmp_path / "t.tsv"),), Labels()) == [
        "t.tsv: column 'age' holds 2 ages above 89"
    ]


def test_b13_sidecar_keys_are_named_without_their_content(tmp_path: Path) -> None:
    scan = tmp_path / "sub-01_T1w.nii.gz"
    assert suspicious_keys(scan) == set()
    sidecar = tmp_path / "sub-01_T1w.json"
    sidecar.write_text(json.dumps({"PatientName": "Doe", "EchoTime": 0.003, "StudyDate": ""}))
    assert suspicious_keys(scan) == {"PatientName"}
    for broken in ("[1]", "{"):
        sidecar.write_text(broken)
        assert suspicious_keys(scan) == set()
