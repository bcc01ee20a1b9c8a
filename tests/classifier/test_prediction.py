"""New scans get a row each, whatever is wrong with one of them."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from tlesynth import durable
from tlesynth.classifier.model import load
from tlesynth.classifier.prediction import Predicted, predict_scans
from tlesynth.cli import app
from tlesynth.data.cohort import read_cohort
from tlesynth.errors import TlesynthError
from tlesynth.volume import write

from .conftest import GRID, Data


@pytest.fixture
def scans(data: Data, tmp_path: Path) -> Path:
    """Four scans without a table: two sound ones, one cut off, one upside down."""
    cohort, root = read_cohort(data.derivatives), tmp_path / "scans"
    for name in ("sub-realhc11", "sub-realtle11", "sub-realhc12", "sub-realtle12"):
        shutil.copytree(data.derivatives / name, root / name)
    paths = {i: root / cohort.volume_path(i).relative_to(data.derivatives) for i in cohort.ids}
    cut, turned = paths["sub-realhc12"], paths["sub-realtle12"]
    cut.write_bytes(cut.read_bytes()[:-3000])
    write(turned, 1 - cohort.volume("sub-realtle12"), GRID.affine, mni=True)
    return root


def test_one_bad_scan_stops_nothing(trained: Path, scans: Path, data: Data, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert predict_scans([trained / "real"], scans, out) == Predicted(judged=3, flagged=1, failed=1)
    table = durable.read_table(out / "predictions.tsv").set_index("participant_id")
    assert table["status"].to_dict()["sub-realhc12"] == "failed" and "NII-0" in table.loc["sub-realhc12", "note"]
    assert table.loc["sub-realtle12", "out_of_distribution"] == "yes"
    assert table.loc[["sub-realhc11", "sub-realtle11"], "called"].tolist() == ["hc", "tle"]
    volume = read_cohort(data.derivatives).volume("sub-realtle11")
    expected = load(trained / "real" / "model").probabilities(volume[None])[0]
    low, found, high = table.loc["sub-realtle11", ["low", "probability", "high"]].astype(float)
    assert low <= found <= high and found == pytest.approx(expected, abs=1e-4)
    assert (out / table.loc["sub-realtle11", "figure"]).is_file()
    sidecar = json.loads((out / "predictions.json").read_text())
    assert "Research use only" in sidecar["Banner"] and sidecar["Classifiers"][0]["task"] == "tle"


def test_the_verb_ends_in_status_4_and_says_what_it_is_for(trained: Path, scans: Path, tmp_path: Path) -> None:
    command = [
        "predict",
        str(trained / "real" / "model"),
        str(scans),
        "-o",
        str(tmp_path / "out"),
        "--no-figures",
        "--json",
    ]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 4
    told = json.loads(done.stdout)
    assert (told["judged"], told["failed"]) == (3, 1) and "Research use only" in told["note"]
    assert not (tmp_path / "out" / "figures").exists()
    assert "figure" not in durable.read_table(tmp_path / "out" / "predictions.tsv")


def test_a_constant_scan_fails_alone(trained: Path, scans: Path, tmp_path: Path) -> None:
    flat = next((scans / "sub-realhc11" / "anat").glob("*.nii.gz"))
    write(flat, np.zeros(GRID.shape, np.float32), GRID.affine, mni=True)
    assert predict_scans([trained / "real"], scans, tmp_path / "out", figures=False).failed == 2


def test_a_second_prediction_replaces_the_first_and_no_other_file(trained: Path, scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for name in ("synthetic", "real"):
        predict_scans([trained / name], scans, out, figures=False)
    assert json.loads((out / "predictions.json").read_text())["Classifiers"][0]["arm"] == "real"
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "predictions.tsv").write_text("theirs")
    with pytest.raises(TlesynthError, match="CFG-005"):
        predict_scans([trained / "real"], scans, tmp_path / "theirs", figures=False)
    assert (tmp_path / "theirs" / "predictions.tsv").read_text() == "theirs"


@pytest.mark.parametrize(("device", "code"), [("bogus", "CFG-002"), ("cuda", "RES-010")])
def test_a_device_that_is_not_there_is_refused_before_anything_is_written(
    device: str, code: str, trained: Path, scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(TlesynthError, match=code):
        predict_scans([trained / "real"], scans, tmp_path / "out", device=device)
    assert not (tmp_path / "out").exists()
