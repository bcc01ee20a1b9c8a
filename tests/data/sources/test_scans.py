"""Which scan is taken. Fault catalogue rows B05, B08 to B12 and B15; pybids must find the same files."""

import errno
import os
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tlesynth.data.sources.scans import brain_masks, find

Dataset = Callable[..., Path]


def taken(root: Path, session: str = "") -> str:
    return find(root, session).chosen["sub-01"].path.relative_to(root / "sub-01").as_posix()


def in_session(name: str, *entities: str) -> str:
    return f"sub-01/ses-{name}/anat/" + "_".join(["sub-01", f"ses-{name}", *entities, "T1w.nii.gz"])


def flat(*entities: str) -> str:
    return "sub-01/anat/" + "_".join(["sub-01", *entities, "T1w.nii.gz"])


@pytest.mark.parametrize(
    "in_order",
    [
        [in_session("1"), in_session("2"), in_session("10")],
        [in_session("preop"), in_session("postop")],
        [in_session("baseline"), in_session("6months"), in_session("followup")],
        [flat("run-1"), flat("run-2"), flat("run-10")],
        [flat(), flat("acq-highres"), flat("acq-mprage")],
        [flat("run-2"), flat("rec-norm", "run-1")],
        [flat("echo-1"), flat("echo-2")],
        [in_session("1", "acq-b", "run-2"), in_session("2")],
    ],
)
def test_b11_the_first_by_the_rule_is_taken_whatever_the_order_on_disk(in_order: list[str], dataset: Dataset) -> None:
    shuffled = in_order.copy()
    random.Random(len(in_order[0])).shuffle(shuffled)
    root = dataset(tuple(shuffled))
    assert f"sub-01/{taken(root)}" == in_order[0]
    why = find(root).chosen["sub-01"].why
    first, *others = [" ".join(Path(name).name.split("_")[1:-1]) or "the plain T1w" for name in in_order]
    assert why.startswith(f"{first}, not {', '.join(others[:3])}")


def test_b11_contrast_and_phase_are_never_taken_and_the_choice_says_so(dataset: Dataset) -> None:
    root = dataset((flat("ce-gd"), flat("part-phase"), flat("run-3")))
    choice = find(root).chosen["sub-01"]
    assert choice.path.name == "sub-01_run-3_T1w.nii.gz"
    assert "contrast-enhanced" in choice.why
    assert "phase" in choice.why


def test_b11_only_contrast_is_no_scan(dataset: Dataset) -> None:
    found = find(dataset((flat("ce-gd"),)))
    assert found.chosen == {}
    assert "contrast-enhanced" in found.without["sub-01"][1]


def test_a_session_may_be_named(dataset: Dataset) -> None:
    root = dataset((in_session("pre"), in_session("post")))
    assert taken(root, "post") == taken(root, "ses-post") == "ses-post/anat/sub-01_ses-post_T1w.nii.gz"
    assert find(root, "later").without["sub-01"] == ("DATA-006", "it has no T1-weighted scan in ses-later")


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("sub-01/anat/sub-02_T1w.nii.gz", "lies in the folder of sub-01"),
        ("sub-01/ses-1/anat/sub-01_ses-2_T1w.nii.gz", "lies in the folder of sub-01/ses-1"),
        ("sub-01/sub-01_T1w.nii.gz", "does not lie in anat/"),
        ("sub-01/anat/sub-01_T1w.nii.gz.bak_T1w.nii", "is no BIDS name"),
    ],
)
def test_b05_a_misplaced_scan_is_not_taken_and_is_named(file: str, words: str, dataset: Dataset) -> None:
    found = find(dataset((file,)))
    assert found.chosen == {}
    assert words in found.without["sub-01"][1]


def test_b10_circles_and_broken_folder_links_stop_nobody(dataset: Dataset) -> None:
    root = dataset(("01",))
    (root / "sub-01" / "anat" / "again").symlink_to("..")
    (root / "sub-02").symlink_to("sub-03")
    (root / "sub-03").symlink_to("sub-02")
    (root / "sub-04").symlink_to("gone")
    found = find(root)
    assert list(found.chosen) == ["sub-01"]
    assert {name: code for name, (code, _) in found.without.items()} == dict.fromkeys(
        ("sub-02", "sub-03", "sub-04"), "DATA-014"
    )


def test_a12_a_folder_that_may_not_be_read_is_told(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    root, scandir = dataset(("01", "02")), os.scandir

    def refusing(folder: Path) -> object:
        if Path(folder).name == "anat" and Path(folder).parent.name == "sub-02":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return scandir(folder)

    monkeypatch.setattr("tlesynth.data.sources.scans.os.scandir", refusing)
    found = find(root)
    assert list(found.chosen) == ["sub-01"]
    assert found.without == {"sub-02": ("DATA-006", "its folder cannot be read: Permission denied")}


def test_b10_links_to_content_elsewhere_are_followed_and_counted(
    dataset: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "t1.nii.gz"
    outside.touch()
    root = dataset(("01",))
    (root / "sub-01/anat/sub-01_T1w.nii.gz").unlink()
    (root / "sub-01/anat/sub-01_T1w.nii.gz").symlink_to(outside)
    (root / "sub-02/anat").mkdir(parents=True)
    (root / "sub-02/anat/sub-02_T1w.nii.gz").symlink_to(".git/annex/objects/x")
    found = find(root)
    assert sorted(found.chosen) == ["sub-01", "sub-02"]
    assert found.notes == ["1 scans are links that lead out of the folder"]


def test_b12_nothing_below_derivatives_is_a_scan(dataset: Dataset) -> None:
    found = find(
        dataset(("01", "derivatives/x/sub-02/anat/sub-02_T1w.nii.gz", "sourcedata/sub-03/anat/sub-03_T1w.nii"))
    )
    assert list(found.chosen) == ["sub-01"]
    assert found.without == {}


def test_a_given_mask_belongs_to_the_scan_taken(dataset: Dataset) -> None:
    folder = "derivatives/fmriprep/sub-01/ses-1/anat/sub-01_ses-1_run-1"
    root = dataset(
        (
            in_session("1", "run-1"),
            in_session("1", "run-2"),
            f"{folder}_space-MNI152NLin2009cAsym_desc-brain_mask.nii.gz",
            "derivatives/fmriprep/sub-01/ses-1/anat/sub-01_ses-1_run-2_desc-brain_mask.nii.gz",
        )
    )
    chosen = find(root).chosen
    assert brain_masks(root, chosen) == {}
    for space in ("_space-T1w", "_space-orig", ""):
        mask = root / f"{folder}{space}_desc-brain_mask.nii.gz"
        mask.touch()
        assert brain_masks(root, chosen) == {"sub-01": mask}
        if space:
            mask.unlink()
    other = root / "derivatives/a_first/sub-01/ses-1/anat/sub-01_ses-1_run-1_desc-brain_mask.nii.gz"
    other.parent.mkdir(parents=True)
    other.touch()
    assert brain_masks(root, chosen) == {"sub-01": other}


def test_pybids_finds_the_same_files(dataset: Dataset) -> None:
    from bids import BIDSLayout

    files = tuple(f"sub-{i:02d}/ses-{i % 3}/anat/sub-{i:02d}_ses-{i % 3}_run-{i % 2}_T1w.nii.gz" for i in range(12))
    root = dataset((*files, "a1", "b2", "sub-b2/anat/sub-b2_T2w.nii.gz", "sub-b2/func/sub-b2_task-x_bold.nii.gz"))
    theirs = BIDSLayout(root, validate=False, derivatives=False).get(suffix="T1w", extension=[".nii", ".nii.gz"])
    assert {str(choice.path) for choice in find(root).chosen.values()} == {file.path for file in theirs}


def test_b15_ten_thousand_participants_take_seconds(dataset: Dataset) -> None:
    def seconds(first: int, last: int) -> float:
        root = dataset(tuple(f"{i:05d}" for i in range(first, last)))
        start = time.process_time()
        assert len(find(root).chosen) == last
        return time.process_time() - start

    seconds(0, 1000)
    assert seconds(1000, 10_000) < 5
