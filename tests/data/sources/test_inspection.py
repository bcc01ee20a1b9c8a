"""What ``inspect`` finds before anything is computed."""

import json
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from tlesynth.data.sources.inspection import inspect
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Labels

Dataset = Callable[..., Path]
TABLE = (
    "participant_id\tgroup\tside\ths\tage\tsex\tsite\n"
    "1\thc\t\t\t30\tF\tA\n2\thc\t\t\t40\tM\tA\n3\ttle\tleft\tyes\tn/a\tF\tB\n4\ttle\tBi-TLE\tno\t50\tF\tB\n"
    "5\ttle\tlinks\tno\told\tM\tB\n6\ttle\tright\tno\t20\tM\tB\n7\thc\t\t\t9\tF\tA\n8\tn/a\t\t\t9\tF\tA\n"
)


def scan(path: Path, affine: np.ndarray, shape: tuple[int, ...] = (20, 24, 28), qform: int = 1) -> None:
    image = nib.Nifti1Image(np.zeros(shape, np.int16), affine)
    image.set_sform(affine, 1 if qform else 0)
    image.set_qform(affine, qform)
    path.write_bytes(image.to_bytes())


@pytest.fixture
def cohort(dataset: Dataset) -> Path:
    root = dataset(tuple(f"sub-{i}/anat/sub-{i}_T1w.nii" for i in range(1, 7)), participants_tsv=TABLE)
    plain, oblique = np.diag([2.0, 2, 2, 1]), np.diag([-2.0, 2, 3, 1])
    oblique[0, 1], oblique[1, 0] = 0.2, 0.2
    for i in range(1, 7):
        path = root / f"sub-{i}/anat/sub-{i}_T1w.nii"
        scan(path, oblique if i == 2 else plain, qform=int(i != 5))
    scan(root / "sub-6/anat/sub-6_T1w.nii", plain, shape=(20, 24, 28, 7))
    (root / "sub-1/anat/sub-1_T1w.json").write_text(json.dumps({"PatientID": "1"}))
    (root / "sub-1/anat/sub-1_run-2_T1w.nii").touch()
    return root


def test_it_counts_who_is_there_and_who_would_be_left_out(cohort: Path) -> None:
    found = inspect(cohort, Labels())
    assert found.usable
    assert found.groups == {"hc": 2, "tle": 2}
    assert (found.sides, found.sclerosis) == ({"left": 1, "unknown": 1}, {"yes": 1, "no": 1})
    assert found.sexes == {"hc": {"F": 1, "M": 1}, "tle": {"F": 2}}
    assert (found.ages["hc"].mean, found.ages["hc"].least, found.ages["hc"].most) == (35, 30, 40)
    assert found.ages["tle"].count == 1
    out = {row.code: row for row in found.excluded}
    assert (out["NII-026"].participants, out["NII-016"].participants) == (("sub-5",), ("sub-6",))
    reasons = {row.reason: row.participants for row in found.excluded if row.code == "DATA-006"}
    assert reasons == {"it has no T1-weighted scan": ("sub-7",), "its group is n/a": ("sub-8",)}
    assert found.choices[0][0] == "sub-1"
    assert found.undeclared == (("age", "old", 1), ("side", "links", 1))
    assert any("every site has one group only" in line for line in found.warnings)
    assert sum("each group needs at least 4" in line for line in found.warnings) == 2


def test_headers_are_told_by_how_many_have_what(cohort: Path) -> None:
    headers = inspect(cohort, Labels()).headers
    assert headers is not None
    assert headers.orientations == {"RAS": 3, "LAS": 1}
    assert headers.voxel_sizes == {"2 x 2 x 2 mm": 3, "2.01 x 2.01 x 3 mm": 1}
    assert headers.shapes == {"20 x 24 x 28": 4}
    assert (headers.oblique, headers.private_keys) == (1, {"PatientID": 1})
    assert headers.steepest == pytest.approx(5.7, abs=0.1)


def test_without_headers_no_scan_is_opened(cohort: Path) -> None:
    for path in cohort.glob("sub-*/anat/*.nii"):
        path.write_bytes(b"")
    found = inspect(cohort, Labels(), headers=False)
    assert (found.groups, found.headers) == ({"hc": 2, "tle": 4}, None)
    assert not inspect(cohort, Labels()).usable


def test_volumes_refused_for_one_code_are_one_line(cohort: Path) -> None:
    for i in (1, 2, 3):
        path = cohort / f"sub-{i}/anat/sub-{i}_T1w.nii"
        path.write_bytes(path.read_bytes()[: 5000 + i])
    row = next(row for row in inspect(cohort, Labels()).excluded if row.code == "NII-002")
    assert row.participants == ("sub-1", "sub-2", "sub-3")
    assert row.reason.endswith("and others like it")


def test_only_controls_are_told_and_usable(dataset: Dataset) -> None:
    root = dataset(("1", "2"), participants_tsv="participant_id\tgroup\n1\thc\n2\thc\n")
    found = inspect(root, Labels(), headers=False)
    assert found.usable
    assert found.warnings[0] == "there are no patients here: training needs both groups"


def test_b03_what_would_stop_the_run_is_told_with_what_to_try(dataset: Dataset) -> None:
    text = "participant_id\tDx\n1\tcontrol\n2\tpatient\n"
    root = dataset(("1", "2"), {"Name": "TLE UNAM ds004469"}, participants_tsv=text)
    found = inspect(root, Labels())
    assert not found.usable
    assert "DATA-003" in found.problem
    assert found.proposals[0] == "this looks like ds004469: add --labels ds004469"
    assert "'labels.group_column=Dx'" in found.proposals[1]


def test_a_folder_of_tables_alone_is_told_by_its_tables(dataset: Dataset) -> None:
    root = dataset((), participants_tsv="participant_id\tgroup\n1\thc\n2\ttle\n3\tn/a\n")
    found = inspect(root, Labels())
    assert "DATA-002" in found.problem
    assert found.notes == ("its tables list 3 participants: hc 1, left out 1, tle 1",)


def test_a_folder_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TlesynthError, match="DATA-002"):
        inspect(tmp_path, Labels())


def test_a_manifest_is_inspected_too(cohort: Path) -> None:
    (cohort / "list.csv").write_text("path,group\nsub-1/anat/sub-1_T1w.nii,hc\nsub-3/anat/sub-3_T1w.nii,tle\n")
    assert inspect(cohort / "list.csv", Labels()).groups == {"hc": 1, "tle": 1}


def test_scans_after_an_operation_are_warned_of(dataset: Dataset) -> None:
    root = dataset(
        ("sub-1/ses-postop/anat/sub-1_ses-postop_T1w.nii", "2"),
        participants_tsv="participant_id\tgroup\n1\ttle\n2\thc\n",
    )
    warnings = inspect(root, Labels(), headers=False).warnings
    assert "1 scans were taken after an operation or at follow-up, by the name of their session" in warnings
