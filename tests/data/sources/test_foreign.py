"""What is given instead of a BIDS folder is told, with the next step. Fault catalogue row B02."""

import os
import tarfile
from pathlib import Path

import pytest

from tlesynth.data.sources.bids import find_scans, survey
from tlesynth.data.sources.foreign import dicom_in, explain
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Labels

DICOM = bytes(128) + b"DICM" + bytes(64)


def test_b02_the_level_that_was_meant_is_named(tmp_path: Path) -> None:
    anat = tmp_path / "study" / "sub-01" / "anat"
    anat.mkdir(parents=True)
    (anat / "sub-01_T1w.nii.gz").touch()
    assert explain(tmp_path).why == "the sub-* folders lie in study: give that folder"
    for folder in (anat, anat.parent):
        assert explain(folder).why == "found sub-01 itself: give its parent"
    assert "no such folder" in explain(tmp_path / "missing").why
    assert "no manifest" in explain(anat / "sub-01_T1w.nii.gz").why
    assert list(find_scans(tmp_path / "study")) == ["sub-01"]


def test_b02_an_empty_folder_and_loose_scans_are_told_apart(tmp_path: Path) -> None:
    assert (explain(tmp_path).code, explain(tmp_path).why) == ("DATA-002", "")
    (tmp_path / "patient1.nii.gz").touch()
    assert "manifest.csv" in explain(tmp_path).why


@pytest.mark.parametrize("name", ["N2D_0001.dcm", "0001.IMA", "I0001", "DICOMDIR"])
def test_dicom_gets_the_command_that_converts_it(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    series = Path("my scans") / "series 1"
    series.mkdir(parents=True)
    (series / name).write_bytes(DICOM)
    error = explain(Path("my scans"))
    assert (error.code, error.exit_status) == ("DATA-015", 3)
    anat = "'my scans/bids/sub-01/anat'"
    assert error.why.endswith(f"mkdir -p {anat} && dcm2niix -b y -z y -f sub-01_T1w -o {anat} 'my scans/series 1'")


def test_dicom_inside_a_bids_folder_is_told_for_its_participant(tmp_path: Path) -> None:
    for name in ("01", "02"):
        (tmp_path / f"sub-{name}" / "anat").mkdir(parents=True)
    (tmp_path / "sub-01/anat/sub-01_T1w.nii.gz").touch()
    (tmp_path / "sub-02/anat/i.dcm").write_bytes(DICOM)
    (tmp_path / "participants.tsv").write_text("participant_id\tgroup\n01\thc\n02\ttle\n")
    (skipped,) = survey(tmp_path, Labels()).skipped
    assert (skipped.participant_id, skipped.code) == ("sub-02", "DATA-015")
    assert "-f sub-02_T1w" in skipped.why


def test_files_without_an_ending_are_opened_only_if_they_are_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "notes").write_text("no scan")
    assert dicom_in(tmp_path) is None


def test_a_real_series_is_recognised(tmp_path: Path) -> None:
    root = os.environ.get("TLESYNTH_DATA")
    if not root:
        pytest.skip("TLESYNTH_DATA is not set: no real DICOM here")
    with tarfile.open(Path(root) / "dicom" / "example-dicom-structural.tar.gz") as archive:
        one = next(member for member in archive if member.name.endswith(".dcm"))
        one.name = "IM1"
        archive.extract(one, tmp_path / "series", filter="data")
    with pytest.raises(TlesynthError, match="dcm2niix") as caught:
        find_scans(tmp_path)
    assert caught.value.code == "DATA-015"
