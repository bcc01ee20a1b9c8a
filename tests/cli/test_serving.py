"""``study serve`` and ``view`` refuse what is not safe before anything is read."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from tlesynth.cli import app
from tlesynth.cli.serving import _hint
from tlesynth.errors import TlesynthError
from tlesynth.locking import holding
from tlesynth.reader_study.web.server import Address


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


def test_a_study_that_is_served_already_says_what_to_do(tmp_path: Path) -> None:
    with holding(tmp_path):
        result = CliRunner().invoke(app, ["study", "serve", str(tmp_path), "--port", "0"])
    assert isinstance(result.exception, TlesynthError)
    assert (result.exception.code, result.exception.exit_status) == ("STUDY-025", 8)
    assert "links that the other server printed" in str(result.exception)


def test_a_name_that_readers_may_not_know_is_pointed_out(capsys: pytest.CaptureFixture[str]) -> None:
    _hint(Address("0.0.0.0", 8700, plain_http=True))
    assert "--name NAME:PORT" in capsys.readouterr().err
    _hint(Address("0.0.0.0", 8700, plain_http=True, names=("study.lab",)))
    _hint(Address())
    assert capsys.readouterr().err == ""
