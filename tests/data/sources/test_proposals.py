"""What to try: a data set that says who it is, a column that looks like the groups."""

from pathlib import Path

import pytest

from tlesynth.data.sources.bids import survey
from tlesynth.data.sources.proposals import known_set, proposals
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Labels, load

TABLE = "participant_id\tsex\tDx Code\tsite\n1\tF\tHealthy Vol\tA\n2\tM\tLeft-TLE\tA\n3\tF\tRight-TLE\tB\n"


@pytest.mark.parametrize(
    ("name", "doi", "expected"),
    [
        ("Temporal Lobe Epilepsy - UNAM", "", "ds004469"),
        ("mine", "doi:10.18112/openneuro.ds004469.v1.1.4", "ds004469"),
        ("The Imaging Database for Epilepsy And Surgery (IDEAS)", "", "ideas"),
        ("IXI (Hammersmith) T1w at 2 mm", "", "ixi"),
        ("Pixies", "10.18112/openneuro.ds002748.v1.0.5", "ds002748"),
        ("Pixies of mixing", "", ""),
        (None, None, ""),
    ],
)
def test_a_known_data_set_is_recognised_by_its_name_or_doi(name: str, doi: str, expected: str) -> None:
    assert known_set({"Name": name, "DatasetDOI": doi}) == expected


def test_what_is_proposed_works_as_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "participants.tsv").write_text(TABLE)
    for name in "123":
        (tmp_path / f"sub-{name}/anat").mkdir(parents=True)
        (tmp_path / f"sub-{name}/anat/sub-{name}_T1w.nii").touch()
    with pytest.raises(TlesynthError, match="DATA-003"):
        survey(tmp_path, Labels())
    (line,) = proposals(tmp_path, {}, Labels())
    assert line.startswith("participants.tsv, column 'Dx Code' looks like the groups")
    labels = load("tiny", [part.strip("' ") for part in line.split("--set ")[1:]]).labels
    assert [scan.group for scan in survey(tmp_path, labels).scans] == ["hc", "tle", "tle"]
    assert proposals(tmp_path, {}, labels) == []


def test_nothing_is_proposed_without_a_reason(tmp_path: Path) -> None:
    (tmp_path / "participants.tsv").write_text("participant_id\tdx\n1\tdepr\n2\tcontrol\n")
    (tmp_path / "broken.csv").write_text("a,a\n")
    assert proposals(tmp_path, {}, Labels()) == []
    assert proposals(tmp_path / "manifest.csv", {}, Labels()) == []
    assert proposals(tmp_path, {"Name": "ixi"}, Labels.model_validate("ixi")) == []
