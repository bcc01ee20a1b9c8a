"""The verb ``inspect``: what it prints, as text and as JSON, and how it ends."""

import json
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from tlesynth.cli.cohorts import inspect
from tlesynth.errors import TlesynthError

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    app = typer.Typer()
    app.command()(inspect)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    image = nib.Nifti1Image(np.zeros((20, 24, 28), np.int16), np.diag([2.0, 2, 2, 1]))
    image.set_sform(image.affine, 1)
    for i in range(1, 10):
        path = tmp_path / f"sub-{i}/anat/sub-{i}_T1w.nii"
        path.parent.mkdir(parents=True)
        path.write_bytes(image.to_bytes() if i < 9 else b"")
    rows = "".join(
        f"{i}\t{'Healthy' if i < 5 else 'Patient'}\t{'L' if i > 4 else ''}\t{20 + i}\tF\n" for i in range(1, 10)
    )
    (tmp_path / "participants.tsv").write_text(f"participant_id\tGroup\tside\tage\tsex\n{rows}10\tHealthy\t\t\t\n")
    (tmp_path / "dataset_description.json").write_text('{"Name": "ours \\u001b[31m"}')
    return tmp_path


def test_it_prints_who_is_there_and_who_is_left_out(run: Run, cohort: Path) -> None:
    result = run(cohort, "--set", "labels.group_column=Group")
    assert result.exit_code == 0, result.output
    text = result.stdout
    assert "\x1b" not in text
    for line in (
        "  hc          4, age 22.5 (21 to 24), sex F 4",
        "  tle         4, age 26.5 (25 to 28), sex F 4",
        "  side        left 4",
        "  sclerosis   unknown 4",
        "  axes        RAS 8",
        "  voxels      2 x 2 x 2 mm 8",
        "left out: 2",
        "  NII-001  1: the file is empty",
        "            sub-9",
        "  DATA-006  1: it has no T1-weighted scan",
    ):
        assert line in text.splitlines()


def test_json_carries_the_same(run: Run, cohort: Path) -> None:
    result = run(cohort, "--set", "labels.group_column=Group", "--json", "--no-headers")
    told = json.loads(result.stdout)
    assert (told["groups"], told["usable"], told["headers"]) == ({"hc": 4, "tle": 5}, True, None)
    assert told["excluded"][0]["participants"] == ["sub-10"]


def test_what_cannot_be_used_ends_with_three_and_says_what_to_try(run: Run, cohort: Path) -> None:
    result = run(cohort)
    assert result.exit_code == 3
    assert "DATA-003" in result.stdout
    assert "try: participants.tsv, column 'Group' looks like the groups" in result.stdout


def test_labels_are_a_name_or_a_file_and_set_changes_them(run: Run, cohort: Path) -> None:
    (cohort / "mine.yaml").write_text("group_column: Group\nhc: [Healthy]\ntle: [Patient]\n")
    assert run(cohort, "--labels", cohort / "mine.yaml", "--no-headers").exit_code == 0
    changed = run(cohort, "--labels", cohort / "mine.yaml", "--set", "labels.ignore={Patient: later}", "--no-headers")
    assert isinstance(changed.exception, TlesynthError)
    words = ("--set", "labels.tle=[]", "--set", "labels.ignore={Patient: later}")
    told = run(cohort, "--labels", cohort / "mine.yaml", *words, "--no-headers")
    assert "  DATA-006  5: later (Group 'Patient')" in told.stdout
    assert "ds004469" in str(run(cohort, "--labels", "nobody").exception)
