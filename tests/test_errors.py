"""The registry of errors."""

import pickle
from pathlib import Path

import pytest

from tlesynth import errors
from tlesynth.errors import EXIT_STATUSES, REGISTRY, TlesynthError, fail


def test_an_error_says_what_where_why_and_what_to_do() -> None:
    text = str(fail("NII-002", "sub-01/anat/sub-01_T1w.nii.gz", "the gzip stream ends too early"))
    assert text == (
        "error[NII-002] sub-01/anat/sub-01_T1w.nii.gz: the file is truncated: the gzip stream ends too early. "
        "Do: Copy it again from its source."
    )


def test_every_row_has_a_known_exit_status_and_ends_its_remedy() -> None:
    assert len(REGISTRY) > 100
    for code, entry in REGISTRY.items():
        assert entry.exit_status in EXIT_STATUSES and entry.exit_status not in (0, 1), code
        assert entry.remedy.endswith(".") and not entry.what.endswith("."), code


def test_an_option_that_only_run_has_is_told_with_its_verb() -> None:
    assert "tlesynth run redoes what differs with --replace" in str(fail("CFG-010", "out"))


def test_a_file_name_cannot_drive_the_terminal() -> None:
    assert "\x1b" not in str(fail("NII-001", "evil\x1b[31m\n.nii"))


def test_long_absolute_paths_lose_their_front(tmp_path: Path) -> None:
    shown = errors.shown(tmp_path / "a" / "b" / "c.nii")
    assert shown.endswith("a/b/c.nii") and str(tmp_path) not in shown


def test_an_error_survives_a_process_pool() -> None:
    error = fail("DATA-004", "sub-1", "twice")
    copy = pickle.loads(pickle.dumps(error))
    assert isinstance(copy, TlesynthError) and str(copy) == str(error) and copy.exit_status == 2


def test_the_documented_table_is_the_registry() -> None:
    page = Path(__file__).parents[1] / "docs" / "errors.md"
    assert page.read_text() == errors.documentation()


@pytest.mark.parametrize(
    ("missing", "why"),
    [
        ("run/synthetic/participants.tsv", ": tlesynth sample writes it."),
        ("run/splits.tsv", ": tlesynth split writes it."),
        ("run/derivatives", ": tlesynth preprocess writes it."),
        ("elsewhere/participants.tsv", "the input of this stage is missing."),
    ],
)
def test_a_missing_input_names_the_stage_that_writes_it_where_it_is_known(missing: str, why: str) -> None:
    assert f"{why} Do: " in str(fail("DATA-011", Path(missing)))
    assert str(fail("DATA-011", Path(missing), "another reason")).count("writes it.") == 0
