"""The autoencoder's page: one file with the verdict, every limit, pictures and figures; no path, age or sex."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tlesynth import durable
from tlesynth.data.cohort import CohortWriter
from tlesynth.errors import TlesynthError
from tlesynth.report import autoencoder_page
from tlesynth.volume import GRIDS

GRID = GRIDS["mni-3mm"]
NAMES = ("sub-01", "sub-02", "sub-03", "sub-04")


def interval(value: float, n: int = 4) -> dict:
    return {"value": value, "low": 0.9 * value, "high": 1.1 * value, "n": n}


def limit(name: str, figure: str, state: str, **more: object) -> dict:
    row = {"name": name, "figure": figure, "words": name, "unit": "", "limit": 0.06, "default": 0.06, "at_least": False}
    return row | {"either_sign": False, "loosened": False, "state": state, "unsure": False, "value": 1} | more


def gate(verdict: str = "failed") -> dict:
    values = {name: interval(0.05) for name in autoencoder_page.FIGURES}
    values["hippocampus_agreement"] = None
    values["dead_channels"] = {"value": 1, "low": None, "high": None, "n": 4}
    bands = 10
    return {
        "autoencoder": "f" * 64,
        "grid": "mni-3mm",
        "split": "val",
        "scans": 4,
        "shown": list(NAMES),
        "verdict": verdict,
        "reasons": ["PSNR is 21.0 dB, wanted at least 25.0 dB"] if verdict == "failed" else [],
        "limits": [
            limit("psnr", "psnr_db", "failed", unit="dB", at_least=True, limit=20.0, default=25.0, loosened=True),
            limit("l1", "l1_brain", "passed", unsure=True),
            limit("agreement", "hippocampus_agreement", "not judged", unit="%"),
        ],
        "figures": values,
        "grid_traces": {f"{a}_{p}": interval(0.3) for a in "xyz" for p in (4, 2, "blocks")},
        "spectrum": {"edges": np.linspace(0, 0.5, bands + 1).tolist(), "ratio_db": [interval(-1.0)] * bands},
        "channels": [
            {"channel": c, "mean": 0.1, "std": 1.0, "posterior_variance": 0.1, "kl_per_element": 1.0, "dead": c == 1}
            | {"noise_share": interval(0.275)}
            for c in range(2)
        ],
    }


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run folder and the derivatives it was made from, with ages and sexes that must not reach the page."""
    root, rng = tmp_path_factory.mktemp("page"), np.random.default_rng(0)
    table = pd.DataFrame({"group": ["hc", "tle"] * 2, "age": 47.0, "sex": "F", "site": "there"}, index=list(NAMES))
    for folder, desc in (("derivatives", "preproc"), ("autoencoder/held_out", "reconstruction")):
        writer = CohortWriter(root / folder, GRID, desc, "test", "random volumes")
        for name in NAMES:
            writer.write(name, rng.random(GRID.shape, dtype=np.float32), {})
        writer.finish(table)
    run = root / "autoencoder"
    durable.write_json(run / "gate.json", gate())
    columns = {name: [0.04, 0.02, 0.03, 0.01] for name in autoencoder_page.COLUMNS}
    durable.write_table(run / "gate.tsv", pd.DataFrame({"participant_id": list(NAMES)} | columns))
    metrics = "step,phase,loss,val_score\n1,reconstruction,0.5,0.6\n2,reconstruction,0.4,0.5\n3,adversarial,0.3,0.4\n"
    durable.write_text(run / "metrics.csv", metrics)
    return run, root / "derivatives"


@pytest.fixture(scope="module")
def page(folders: tuple[Path, Path]) -> str:
    run, derivatives = folders
    return autoencoder_page.build(run, derivatives, run / "autoencoder.html", data="planted").read_text()


def test_it_is_one_file_with_every_part(page: str) -> None:
    for part in ("gate", "reconstructions", "hippocampi", "figures", "spectrum", "latents", "training", "reading"):
        assert f'id="{part}"' in page
    assert not re.findall(r'(?:src|href|srcset)="(?!data:|#)[^"]*"', page) and "<script" not in page
    assert len(page) < 10_000_000 and "The heads are real, the disease is not" in page


def test_the_verdict_and_each_limit_are_plain(page: str) -> None:
    assert "The quality gate is not passed" in page and "wanted at least 25.0 dB" in page
    assert "loosened 1 of the product" in page and "loosened from ≥ 25.0 dB" in page
    assert "the interval crosses the limit" in page and "could not be measured" in page
    assert "27.5 %" in page and ">dead<" in page


def test_a_pass_by_looser_limits_is_called_so(folders: tuple[Path, Path], tmp_path: Path) -> None:
    run, derivatives = folders
    for name in ("gate.tsv", "metrics.csv"):
        (tmp_path / name).write_bytes((run / name).read_bytes())
    durable.write_json(tmp_path / "gate.json", gate("passed"))
    page = autoencoder_page.build(tmp_path, derivatives, tmp_path / "page.html").read_text()
    assert "The quality gate is passed, by looser limits" in page and 'id="reconstructions"' not in page


def test_imported_weights_are_not_said_to_be_trained_here(
    page: str, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    durable.write_json(tmp_path / "gate.json", gate() | {"shown": []})
    (tmp_path / "gate.tsv").write_bytes((folders[0] / "gate.tsv").read_bytes())
    durable.write_json(tmp_path / "settings.json", {"imported": {"family": "maisi", "sha256": "0"}})
    imported = autoencoder_page.build(tmp_path, folders[1], tmp_path / "page.html").read_text()
    assert "The weights are imported, MAISI's" in imported and "imported" not in page
    assert "best checkpoint" in page and "best checkpoint" not in imported and 'id="training"' not in imported


def test_every_scan_shows_input_reconstruction_and_error_in_three_planes(page: str) -> None:
    for name in NAMES:
        for plane in ("coronal", "sagittal", "axial"):
            for words in ("Input", "Reconstruction", "Absolute error"):
                assert f"{words}: {plane} slice of {name}." in page
        assert f"Input: coronal view of the hippocampus of {name}." in page
    assert page.index("sub-01 <small>") < page.index("sub-04 <small>")
    assert "the worst<" in page and "the best<" in page


def test_it_names_no_path_age_sex_or_site(page: str, folders: tuple[Path, Path]) -> None:
    assert str(folders[0]) not in page and str(folders[1]) not in page
    words = re.sub(r"<[^>]+>|data:[^\"]+", " ", page)
    assert "47" not in words and "there" not in words.replace("there is none", "") and not re.search(r"\bF\b", words)


def test_a_run_without_a_gate_is_told_what_writes_it(tmp_path: Path) -> None:
    with pytest.raises(TlesynthError, match=r"DATA-011.*train autoencoder"):
        autoencoder_page.build(tmp_path, tmp_path, tmp_path / "page.html")


def test_an_interval_that_is_none_says_so() -> None:
    assert autoencoder_page.interval({"low": None}) == "no interval"
