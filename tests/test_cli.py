"""The command line as a user meets it: help, exit statuses, one line an error, results on stdout."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tlesynth.cli import app, main
from tlesynth.volume import GRIDS, write


def tlesynth(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tlesynth", *arguments], capture_output=True, text=True, check=False, **options
    )  # ty: ignore


@pytest.mark.parametrize(
    "verb",
    [
        "demo",
        "run",
        "simulate",
        "preprocess",
        "split",
        "train",
        "import-weights",
        "encode",
        "tune",
        "sample",
        "baseline",
        "counterfactual",
        "evaluate",
        "report",
        "study",
        "doctor",
        "show",
    ],
)
def test_every_verb_explains_itself(verb: str) -> None:
    told = CliRunner().invoke(app, [verb, "--help"])
    assert told.exit_code == 0 and "Usage" in told.output


@pytest.mark.parametrize(
    ("arguments", "status", "word"),
    [
        (["run", "no-such-recipe"], 2, "CFG-004"),
        (["run", "tiny", "--set", "seeed=1"], 2, "did you mean seed"),
        (["run", "tiny", "--sett", "seed=1"], 2, "No such option"),
        (["runn"], 2, "No such command"),
        (["run", "tiny", "--input", "nowhere"], 3, "DATA-002"),
        (["show", "nowhere.nii"], 3, "NII-008"),
        (["report", "."], 3, "DATA-011"),
        (["split", "--derivatives", "nowhere", "--out", "s.tsv"], 3, "DATA-011"),
    ],
)
def test_a_mistake_costs_one_line_and_has_its_status(
    arguments: list[str],
    status: int,
    word: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["tlesynth", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capsys.readouterr()
    assert ended.value.code == status, err
    assert word in err and "Traceback" not in err and out == ""


def test_a_process_ends_with_the_status_and_says_it_on_stderr(tmp_path: Path) -> None:
    told = tlesynth("run", "no-such-recipe", cwd=tmp_path)
    assert told.returncode == 2, told.stderr
    assert "CFG-004" in told.stderr and "Traceback" not in told.stderr and told.stdout == ""


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    assert "Traceback" in tlesynth("--debug", "show", "nowhere.nii", cwd=tmp_path).stderr


def test_show_describes_a_volume(tmp_path: Path) -> None:
    import numpy as np

    grid = GRIDS["mni-3mm"]
    write(tmp_path / "v.nii.gz", np.random.default_rng(0).random(grid.shape), grid.affine, mni=True, description="ours")
    facts = json.loads(tlesynth("show", str(tmp_path / "v.nii.gz"), "--json").stdout)
    assert facts["shape"] == "56 x 68 x 56" and facts["spacing"] == "3 x 3 x 3 mm"
    assert facts["orientation"] == "RAS" and facts["grid"] == "mni-3mm" and facts["codes"] == "sform 4, qform 4"
    assert facts["says"] == "ours"


def test_doctor_names_each_topic() -> None:
    told = tlesynth("doctor", "--json")
    findings = {f["topic"]: f for f in json.loads(told.stdout)}
    assert findings["torch and torchvision"]["state"] == "ok"
    assert {"packages", "GPU", "disk"} <= set(findings) and told.returncode == 0


def test_a_reader_that_goes_away_is_no_error() -> None:
    process = subprocess.Popen([sys.executable, "-m", "tlesynth", "weights", "list"], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(60) in (0, 120)


@pytest.mark.end_to_end  # real processes, 10 s and more
def test_ctrl_c_in_a_run_ends_with_75_and_a_line(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tlesynth", "run", "tiny", "--out", str(tmp_path / "r")],
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "r/stages/simulate.json").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=120)
    assert process.returncode == 75, told
    assert "OPS-075" in told and "Traceback" not in told
