"""A cohort on the grid is written, read back, and valid BIDS."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tlesynth.data.cohort import CohortWriter, read_cohort, write_dataset_description
from tlesynth.errors import TlesynthError
from tlesynth.volume import GRIDS

GRID = GRIDS["mni-3mm"]
PEOPLE = pd.DataFrame(
    {
        "group": ["hc", "tle"],
        "side": [None, "left"],
        "hs": [None, "yes"],
        "age": [30.0, np.nan],
        "sex": ["F", "M"],
        "site": ["a", None],
    },
    index=["sub-a1", "sub-b2"],
)


def voxels(seed: int) -> np.ndarray:
    image = np.random.default_rng(seed).random(GRID.shape).astype(np.float32)
    image[:8] = 0
    return image


def written(root: Path) -> CohortWriter:
    writer = CohortWriter(root, GRID, "preproc", "Test cohort", "Volumes for a test.")
    for seed, participant in enumerate(PEOPLE.index):
        writer.write(participant, voxels(seed), {"Sources": []})
    writer.finish(PEOPLE)
    return writer


def test_a_cohort_reads_back(tmp_path: Path) -> None:
    writer = written(tmp_path)
    cohort = read_cohort(tmp_path)
    assert cohort.ids == ["sub-a1", "sub-b2"] and cohort.grid == GRID and cohort.desc == "preproc"
    assert cohort.of_group("tle") == ["sub-b2"]
    assert cohort.participants.loc["sub-b2", "side"] == "left" and cohort.participants.loc["sub-a1", "side"] is None
    assert np.isnan(cohort.participants.loc["sub-b2", "age"])
    assert np.abs(cohort.volume("sub-a1") - voxels(0)).max() < 1e-4
    assert cohort.volumes(["sub-b2", "sub-a1"]).shape == (2, *GRID.shape)
    assert not cohort.brain_mask("sub-a1")[:8].any()
    assert writer.has("sub-a1") and not writer.has("sub-zz")


def test_a_stamp_is_the_same_for_the_same_volume_alone(tmp_path: Path) -> None:
    written(tmp_path / "one")
    written(tmp_path / "two").write("sub-a1", voxels(0)[:, ::-1], {})
    one, two = read_cohort(tmp_path / "one"), read_cohort(tmp_path / "two")
    assert one.stamp("sub-b2") == two.stamp("sub-b2") and one.stamp("sub-a1") != two.stamp("sub-a1")


def test_it_is_valid_bids(tmp_path: Path) -> None:
    validator = Path(sys.executable).with_name("bids-validator-deno")
    writer = written(tmp_path)
    writer.write_mask("sub-a1", voxels(0) > 0)
    told = subprocess.run([str(validator), str(tmp_path), "--json"], capture_output=True, text=True, check=False)
    issues = json.loads(told.stdout)["issues"]["issues"]
    assert not [issue for issue in issues if issue["severity"] == "error"], issues


def test_a_row_without_a_volume_is_left_out(tmp_path: Path) -> None:
    written(tmp_path)
    shutil.rmtree(tmp_path / "sub-b2")
    assert read_cohort(tmp_path).ids == ["sub-a1"]


@pytest.mark.parametrize("session", ["", "ses-1/"])
def test_raw_scans_are_told_apart_from_preprocessed_ones(tmp_path: Path, session: str) -> None:
    """Whatever the table says: a raw one has other groups, or none."""
    scan = tmp_path / "sub-01" / f"{session}anat" / "sub-01_T1w.nii.gz"
    scan.parent.mkdir(parents=True)
    scan.write_bytes(b"")
    for table in ("participant_id\tgroup\nsub-01\tcontrol\n", "participant_id\tage\nsub-01\t30\n"):
        (tmp_path / "participants.tsv").write_text(table)
        with pytest.raises(TlesynthError, match=r"raw, as sub-01_T1w.nii.gz.*tlesynth preprocess first") as caught:
            read_cohort(tmp_path)
        assert caught.value.code == "DATA-017" and caught.value.exit_status == 3
        assert "outcomes.tsv" not in str(caught.value)


def test_a_cohort_without_a_scan_says_why(tmp_path: Path) -> None:
    written(tmp_path)
    for participant in PEOPLE.index:
        shutil.rmtree(tmp_path / participant)
    with pytest.raises(TlesynthError, match="DATA-017.*no scan in it"):
        read_cohort(tmp_path)
    (tmp_path / "outcomes.tsv").write_text("participant_id\tstatus\n")
    with pytest.raises(TlesynthError, match="DATA-005.*outcomes.tsv"):
        read_cohort(tmp_path)
    written(tmp_path)
    (tmp_path / "participants.tsv").write_text("participant_id\tgroup\nsub-zz\thc\n")
    with pytest.raises(TlesynthError, match="DATA-017.*lists none of the scans"):
        read_cohort(tmp_path)


@pytest.mark.parametrize(
    ("table", "code"), [("x\ty\n", "DATA-001"), ("participant_id\tgroup\nsub-a1\tdepr\n", "DATA-001")]
)
def test_a_damaged_table_is_refused(tmp_path: Path, table: str, code: str) -> None:
    written(tmp_path)
    (tmp_path / "participants.tsv").write_text(table)
    with pytest.raises(TlesynthError) as caught:
        read_cohort(tmp_path)
    assert caught.value.code == code


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TlesynthError) as caught:
        read_cohort(tmp_path / "none")
    assert caught.value.code == "DATA-011"


def test_voxels_of_another_grid_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TlesynthError) as caught:
        written(tmp_path).write("sub-c3", np.zeros((4, 4, 4)), {})
    assert caught.value.code == "NII-030"


def test_a_derivative_names_its_generator(tmp_path: Path) -> None:
    write_dataset_description(tmp_path, "T", "derivative", "About.", ("doi:10/x",))
    described = json.loads((tmp_path / "dataset_description.json").read_text())
    assert described["GeneratedBy"][0]["Name"] == "tlesynth" and described["SourceDatasets"] == [{"URL": "doi:10/x"}]
