"""Predictions replace predictions and nothing else; a classifier that is not whole is refused without torch."""

import shutil
from pathlib import Path

import pytest

from tlesynth import durable
from tlesynth.classifier.prediction_folder import SIDECAR, TABLE, generated_by, model_in, require_readable
from tlesynth.classifier.prediction_folder import require_writable as require
from tlesynth.errors import TlesynthError


def test_a_new_an_empty_and_an_own_folder_are_written(tmp_path: Path) -> None:
    require(tmp_path / "new")
    require(tmp_path)
    durable.write_json(tmp_path / SIDECAR, {"GeneratedBy": generated_by()})
    (tmp_path / TABLE).write_text("ours")
    require(tmp_path)


@pytest.mark.parametrize("sidecar", ["", "{", "[]", "{}", '{"GeneratedBy": [{"Name": "other"}]}'])
def test_what_others_predicted_is_refused(sidecar: str, tmp_path: Path) -> None:
    (tmp_path / TABLE).write_text("theirs")
    if sidecar:
        (tmp_path / SIDECAR).write_text(sidecar)
    with pytest.raises(TlesynthError, match="CFG-005.*no prediction made"):
        require(tmp_path)
    assert (tmp_path / TABLE).read_text() == "theirs"


def test_a_file_is_refused_as_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("theirs")
    with pytest.raises(TlesynthError, match="CFG-005.*it is a file"):
        require(tmp_path / "file")


def test_a_run_folder_stands_for_its_model(trained: Path) -> None:
    assert model_in(trained / "real") == trained / "real" / "model" == model_in(trained / "real" / "model")


def test_a_changed_or_missing_model_is_refused(trained: Path, tmp_path: Path) -> None:
    require_readable([trained / "real"])
    copy = shutil.copytree(trained / "real" / "model", tmp_path / "model")
    with open(copy / "config.json", "a") as file:
        file.write(" ")
    for folder in (copy, tmp_path / "nothing"):
        with pytest.raises(TlesynthError, match="MOD-004"):
            require_readable([trained / "real", folder])
