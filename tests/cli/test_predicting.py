"""What ``predict`` can refuse, it refuses before torch is loaded, in one line."""

import subprocess
import sys
from pathlib import Path

import pytest

WITHOUT_TORCH = "import sys; sys.modules['torch'] = None; from tlesynth import cli; cli.main()"
DATA = "--derivatives d --splits s"
BOGUS = "error[CFG-002] device: bogus"


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        ("predict model scans", 5, "error[MOD-004] model/manifest.json"),
        ("predict model scans -o file", 2, "error[CFG-005] file: the output folder cannot be used: it is a file"),
        ("predict model scans -o theirs", 2, "error[CFG-005] theirs"),
        ("predict model scans --device bogus", 2, BOGUS),
        (f"encode --autoencoder a {DATA} --latents l --reconstructions r --device bogus", 2, BOGUS),
        (f"import-weights maisi file {DATA} --out o --device bogus", 2, BOGUS),
    ],
)
def test_one_line_and_no_torch(words: str, status: int, told: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("theirs")
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "predictions.tsv").write_text("theirs")
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, *words.split()], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr.startswith(told)) == (status, True), done.stderr
    assert len(done.stderr.splitlines()) == 1
