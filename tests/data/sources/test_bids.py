"""Awkward participants.tsv files, several scans a subject, and the errors that say what to do."""

import json
from pathlib import Path

import pytest

from tlesynth.data.sources.bids import read_bids, require_classes, survey
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Labels

ROWS = [
    "sub-01\tControl\tn/a\tn/a\t31.5\tm",
    "sub-02\tPatient\tLeft-TLE\t1\t25 to 29\tF",
    "03\tPatient\tBi-TLE\t0\t\tn/a",
]
HEADER = "participant_id\tgroup\tside\ths\tage\tsex"


def dataset(root: Path, text: str, scans: tuple[str, ...]) -> Path:
    root.mkdir(exist_ok=True)
    (root / "dataset_description.json").write_text(json.dumps({"Name": "x", "BIDSVersion": "1.10.0"}))
    (root / "participants.tsv").write_bytes(text.encode())
    for scan in scans:
        path = root / scan
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return root


def plain(*ids: str) -> tuple[str, ...]:
    return tuple(f"sub-{i}/anat/sub-{i}_T1w.nii.gz" for i in ids)


def code(root: Path, labels: Labels | None = None) -> tuple[str, str]:
    with pytest.raises(TlesynthError) as caught:
        read_bids(root, labels or Labels())
    return caught.value.code, caught.value.why


def test_bom_windows_line_ends_and_gaps_are_read(tmp_path: Path) -> None:
    text = "\ufeff" + "\r\n".join([HEADER, *ROWS]) + "\r\n"
    first, second, third = read_bids(dataset(tmp_path, text, plain("01", "02", "03")), Labels())
    assert (first.participant_id, first.group, first.side, first.age, first.sex) == ("sub-01", "hc", None, 31.5, "M")
    assert (second.group, second.side, second.hs, second.age, second.sex) == ("tle", "left", "yes", None, "F")
    assert (third.participant_id, third.side, third.hs, third.sex, third.site) == ("sub-03", None, "no", None, None)


def test_who_cannot_be_matched_is_skipped_with_a_reason(tmp_path: Path) -> None:
    text = "\n".join([HEADER, *ROWS, "sub-04\tn/a\t\t\t\t"])
    found = survey(dataset(tmp_path, text, plain("01", "02", "04", "99")), Labels())
    assert [scan.participant_id for scan in found.scans] == ["sub-01", "sub-02"]
    why = {skipped.participant_id: skipped.why for skipped in found.skipped}
    assert "no T1" in why["sub-03"]
    assert "n/a" in why["sub-04"]
    assert "no row" in why["sub-99"]


def test_other_columns_are_carried_only_where_they_are_named(tmp_path: Path) -> None:
    text = f"{HEADER}\tseverity\tdrug\tiq\n{ROWS[0]}\t-2.50\t=1+1\t90\n{ROWS[1]}\tn/a\tdrug B\t80\n"
    root = dataset(tmp_path, text, plain("01", "02"))
    assert [scan.carried for scan in survey(root, Labels()).scans] == [(), ()]
    carried = [scan.carried for scan in survey(root, Labels(), ("drug", "elsewhere_mm3", "group", "severity")).scans]
    assert carried == [(("drug", "'=1+1"), ("severity", "-2.50")), (("drug", "drug B"), ("severity", None))]


def test_first_session_first_run_without_contrast_is_taken(tmp_path: Path) -> None:
    scans = (
        "sub-01/ses-2/anat/sub-01_ses-2_T1w.nii.gz",
        "sub-01/ses-1/anat/sub-01_ses-1_run-2_T1w.nii.gz",
        "sub-01/ses-1/anat/sub-01_ses-1_run-1_T1w.nii.gz",
        "sub-01/ses-1/anat/sub-01_ses-1_ce-gd_run-0_T1w.nii.gz",
        "derivatives/x/sub-02/anat/sub-02_T1w.nii.gz",
    )
    found = survey(dataset(tmp_path, "\n".join([HEADER, *ROWS[:2]]), scans), Labels())
    assert [scan.path.name for scan in found.scans] == ["sub-01_ses-1_run-1_T1w.nii.gz"]
    assert [skipped.participant_id for skipped in found.skipped] == ["sub-02"]


def test_unknown_group_values_are_listed_with_counts(tmp_path: Path) -> None:
    text = "participant_id\tgroup\nsub-01\tdepr\nsub-02\tdepr\nsub-03\tcontrol\n"
    found, why = code(dataset(tmp_path, text, plain("01")))
    assert found == "DATA-003"
    assert "'depr' 2" in why
    assert "'control' 1" in why
    assert "labels.tle" in why
    assert read_bids(tmp_path, Labels(tle=("depr",)))[0].group == "tle"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("participant_id\tdiagnosis\nsub-01\tx\n", "DATA-003"),
        ("participant_id\tgroup\nsub-01\thc\n01\ttle\n", "DATA-004"),
        ("participant_id\tgroup\nsub-01\thc\tmore\n", "DATA-001"),
        ("participant_id\tgroup\nsub-01\thc\nsub-02\thc\tmore\n", "DATA-001"),
    ],
)
def test_broken_tables_are_refused(tmp_path: Path, text: str, expected: str) -> None:
    assert code(dataset(tmp_path, text, plain("01")))[0] == expected


def test_folders_without_scans_are_refused(tmp_path: Path) -> None:
    assert code(dataset(tmp_path, HEADER, ()))[0] == "DATA-002"
    assert code(tmp_path / "missing")[0] == "DATA-002"
    (tmp_path / "sub-01" / "anat").mkdir(parents=True)
    assert "parent" in code(tmp_path / "sub-01")[1]
    (tmp_path / "dataset_description.json").write_text("[1]")
    assert code(tmp_path)[0] == "DATA-001"


@pytest.mark.parametrize(
    ("description", "words"),
    [
        (b"{", "line 1 column 2"),
        (b"[1]", "not a JSON object"),
        ('{"Name": "x"}'.encode("utf-16"), "not UTF-8"),
    ],
)
def test_b01_a_damaged_description_is_refused_with_its_place(tmp_path: Path, description: bytes, words: str) -> None:
    root = dataset(tmp_path, "\n".join([HEADER, *ROWS]), plain("01"))
    (root / "dataset_description.json").write_bytes(description)
    found, why = code(root)
    assert found == "DATA-001"
    assert words in why


def test_b01_a_missing_description_is_only_noted_and_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    root = dataset(tmp_path, "\n".join([HEADER, *ROWS]), plain("01"))
    (root / "dataset_description.json").write_bytes(b'\xef\xbb\xbf{"Name": "x"}')
    assert survey(root, Labels()).notes == ()
    (root / "dataset_description.json").unlink()
    assert survey(root, Labels()).notes == ("dataset_description.json is missing",)


def test_b05_every_participant_is_either_used_or_left_out(tmp_path: Path) -> None:
    text = "\n".join([HEADER, *ROWS, "sub-04\tn/a\t\t\t\t", "sub-05\tcontrol"])
    found = survey(dataset(tmp_path, text, plain("01", "02", "04", "99")), Labels())
    used = {scan.participant_id for scan in found.scans}
    out = {skipped.participant_id for skipped in found.skipped}
    assert used | out == {f"sub-{i}" for i in ("01", "02", "03", "04", "05", "99")}
    assert not used & out


def test_b09_ids_that_differ_only_in_case_are_refused(tmp_path: Path) -> None:
    text = "participant_id\tgroup\nsub-A01\thc\nsub-a01\ttle\n"
    assert code(dataset(tmp_path, text, plain("A01"))) == ("DATA-009", "sub-A01 and sub-a01")


def test_b13_nothing_but_the_fields_of_a_scan_is_taken_from_a_table(tmp_path: Path) -> None:
    text = "participant_id\tgroup\tname\tage\tsite\nsub-01\thc\tJo Doe\t91\t=HYPERLINK(1)\n"
    found = survey(dataset(tmp_path, text, plain("01")), Labels())
    assert "Doe" not in repr(found)
    assert found.scans[0].site == "'=HYPERLINK(1)"
    assert found.private == (
        "participants.tsv: column 'name'",
        "participants.tsv: column 'age' holds 1 ages above 89",
    )


def test_a_row_of_the_chosen_session_counts(tmp_path: Path) -> None:
    text = "participant_id\tsession_id\tgroup\tage\nsub-01\tses-pre\ttle\t30\nsub-01\tses-post\ttle\t31\n"
    scans = tuple(f"sub-01/ses-{s}/anat/sub-01_ses-{s}_T1w.nii.gz" for s in ("post", "pre"))
    root = dataset(tmp_path, text, scans)
    assert [scan.age for scan in read_bids(root, Labels())] == [30]
    assert [scan.age for scan in read_bids(root, Labels(session="post"))] == [31]
    assert survey(root, Labels()).choices == (("sub-01", "ses-pre, not ses-post"),)


def test_each_class_needs_four() -> None:
    require_classes(["hc"] * 4 + ["tle"] * 4, Path("x"))
    with pytest.raises(TlesynthError, match="hc 9, tle 3"):
        require_classes(["hc"] * 9 + ["tle"] * 3, Path("x"))
