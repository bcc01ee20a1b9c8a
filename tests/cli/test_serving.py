"""``study serve`` and ``view`` refuse what is not safe before anything is read."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from tlesynth.cli import app
from tlesynth.errors import TlesynthError


@pytest.mark.parametrize("verb", [["study", "serve"], ["view"]])
def test_elsewhere_is_refused_before_anything_is_read(tmp_path: Path, verb: list[str]) -> None:
    result = CliRunner().invoke(app, [*verb, str(tmp_path / "none"), "--host", "0.0.0.0"])
    assert isinstance(result.exception, TlesynthError)
    assert (result.exception.code, result.exception.exit_status) == ("STUDY-022", 2)
    assert not (tmp_path / "none").exists()


def test_a_folder_that_is_no_study_is_told(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["study", "serve", str(tmp_path), "--port", "0"])
    assert isinstance(result.exception, TlesynthError)
    assert result.exception.code == "STUDY-001"


@pytest.mark.parametrize("verb", [["study", "serve"], ["view"]])
def test_the_help_says_what_is_printed(verb: list[str]) -> None:
    text = CliRunner().invoke(app, [*verb, "--help"]).output
    assert "--certificate" in text
    assert "--plain-http" in text
