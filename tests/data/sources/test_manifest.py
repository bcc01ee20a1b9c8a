"""A plain list of scans: what a row says, and that a bad row stops no other."""

from pathlib import Path

import pytest

from tlesynth.data.sources.bids import survey
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Labels


def manifest(folder: Path, text: str, *files: str, name: str = "manifest.csv") -> Path:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).touch()
    (folder / name).write_text(text)
    return folder / name


def test_rows_are_scans_whatever_the_folders_look_like(tmp_path: Path) -> None:
    text = (
        "path,group,side,hs,age,sex,site,brain_mask\n"
        "anna 1.nii.gz,patient,L,yes,31,F,A,masks/anna.nii.gz\n"
        "x/sub-07_T1w.nii,HC,,,44,m,B,\n"
    )
    files = ("anna 1.nii.gz", "masks/anna.nii.gz", "x/sub-07_T1w.nii")
    found = survey(manifest(tmp_path, text, *files), Labels())
    second, first = found.scans
    assert (first.participant_id, first.group, first.side, first.hs) == ("sub-anna1", "tle", "left", "yes")
    assert (first.path, first.brain_mask) == (tmp_path / files[0], tmp_path / files[1])
    assert (second.participant_id, second.sex, second.age, second.site) == ("sub-07", "M", 44, "B")
    assert found.root == tmp_path


def test_a_column_named_as_a_condition_is_carried(tmp_path: Path) -> None:
    text = "path,group,severity,comment\na.nii,hc,1.5,well\n"
    (scan,) = survey(manifest(tmp_path, text, "a.nii"), Labels(), ("severity",)).scans
    assert scan.carried == (("severity", "1.5"),) and scan.brain_mask is None


def test_a_bad_row_is_left_out_with_its_line_and_the_others_stay(tmp_path: Path) -> None:
    text = (
        "participant_id\tpath\tgroup\tbrain_mask\n"
        "a\tgone.nii\thc\t\nb\t../b.nii\thc\t\nc\t\thc\t\nd\tok.nii\tn/a\t\ne\tok.nii\thc\tno.nii\nf\tok.nii\ttle\t\n"
    )
    found = survey(manifest(tmp_path, text, "ok.nii", name="list.tsv"), Labels())
    assert [scan.participant_id for scan in found.scans] == ["sub-f"]
    why = {skipped.participant_id: f"{skipped.code} {skipped.why}" for skipped in found.skipped}
    assert why["sub-a"] == "DATA-016 line 2: path 'gone.nii' is not there"
    assert why["sub-b"] == "DATA-016 line 3: path '../b.nii' lies outside the manifest's folder"
    assert why["sub-c"] == "DATA-016 line 4: it has no path"
    assert why["sub-d"] == "DATA-006 line 5: its group is n/a"
    assert why["sub-e"] == "DATA-016 line 6: brain_mask 'no.nii' is not there"


def test_the_first_of_several_rows_is_read_and_rows_that_differ_are_left_out(tmp_path: Path) -> None:
    text = "path,group,participant_id\na.nii,hc,1\nb.nii,hc,1\nc.nii,hc,2\nd.nii,tle,2\n"
    found = survey(manifest(tmp_path, text, "a.nii", "b.nii", "c.nii", "d.nii"), Labels())
    assert [scan.path.name for scan in found.scans] == ["a.nii"]
    assert found.choices[0] == ("sub-1", "the earliest session, or the first row, of several (line 3 is left out)")
    assert [(skipped.participant_id, skipped.code) for skipped in found.skipped] == [("sub-2", "DATA-004")]


def test_the_earliest_session_is_taken_or_the_one_the_labels_name(tmp_path: Path) -> None:
    text = "path,group,participant_id,session_id\nb.nii,hc,1,post\na.nii,hc,1,pre\nc.nii,hc,2,post\n"
    folder = manifest(tmp_path, text, "a.nii", "b.nii", "c.nii")
    assert [scan.path.name for scan in survey(folder, Labels()).scans] == ["a.nii", "c.nii"]
    found = survey(folder, Labels(session="pre"))
    assert [scan.path.name for scan in found.scans] == ["a.nii"]
    assert [(s.participant_id, s.code) for s in found.skipped] == [("sub-2", "DATA-006")]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("path,group\ns0/T1.nii,hc\ns1/T1.nii,hc\n", "DATA-016"),  # both would be sub-T1
        ("path,group\np_1_11.nii,hc\np_11_1.nii,hc\n", "DATA-016"),
        ("path,group,participant_id\na.nii,hc,A1\nb.nii,hc,a1\n", "DATA-009"),
    ],
)
def test_names_that_only_look_alike_are_never_one_person(text: str, code: str, tmp_path: Path) -> None:
    with pytest.raises(TlesynthError, match=f"{code}.*lines 2 and 3"):
        survey(manifest(tmp_path, text), Labels())


@pytest.mark.parametrize(
    ("text", "code"),
    [("file,group\na,hc\n", "DATA-001"), ("path,dx\na,hc\n", "DATA-003"), ("path,group\na,ill?\n", "DATA-003")],
)
def test_a_manifest_without_its_columns_or_with_unknown_groups_is_refused(text: str, code: str, tmp_path: Path) -> None:
    with pytest.raises(TlesynthError) as caught:
        survey(manifest(tmp_path, text), Labels())
    assert caught.value.code == code
