"""The whole evaluation on phantoms: the schema holds, the disease is found, absent parts say why, leaks are refused."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tlesynth import durable
from tlesynth.errors import TlesynthError
from tlesynth.evaluation.evaluate import evaluate
from tlesynth.recipe import Evaluation

from .conftest import Run, figures

SETTINGS = Evaluation(bootstrap=100, diversity_pairs=3)
SECTIONS = ["about", "reconstruction", "frechet", "generation", "fid", "diversity", "disease"]
SECTIONS += ["classification", "privacy", "verdict"]
TABLES = ["reconstruction", "frechet", "hippocampus", "predictions", "verdict", "table1", "table2", "table4"]


def go(run: Run, out: Path, **changed: Path | None) -> dict[str, Any]:
    folders = {name: changed.get(name, getattr(run, name)) for name in vars(run)}
    truth = folders.pop("truth")
    about = {"recipe": "test", "seed": 1, "data": "simulated"}
    return evaluate(*folders.values(), out, SETTINGS, seed=1, about=about, truth=truth)


@pytest.fixture(scope="module")
def done(run: Run, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    out = tmp_path_factory.mktemp("evaluation")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TLESYNTH_WEIGHTS", str(out / "none"))
        patch.setenv("XDG_CACHE_HOME", str(out / "none"))
        return go(run, out), out


def test_results_and_tables_are_written(done: tuple[dict[str, Any], Path]) -> None:
    results, out = done
    assert list(results) == SECTIONS
    assert json.loads((out / "results.json").read_text()) == results
    for name in TABLES:
        assert len(durable.read_table(out / f"{name}.tsv")), name


def test_every_figure_has_its_interval_and_n_or_a_reason(done: tuple[dict[str, Any], Path]) -> None:
    found = figures(done[0])
    assert len(found) > 80
    for figure in found:
        if "not_computed" in figure:
            assert figure["not_computed"]
        else:
            assert figure["low"] <= figure["value"] <= figure["high"] and figure["n"] >= 3


def test_known_errors_of_the_reconstructions(done: tuple[dict[str, Any], Path]) -> None:
    section = done[0]["reconstruction"]
    assert section["split"] == "test" and section["n"] == 6
    assert section["brain"]["l1"]["value"] == pytest.approx(0.01, abs=2e-3)
    assert section["lpips"]["command"] == "tlesynth weights fetch alexnet"
    assert section["fid"]["not_computed"] == "weights missing: inception-v3"


def test_the_planted_disease_is_measured_as_it_was_planted(done: tuple[dict[str, Any], Path]) -> None:
    section = done[0]["disease"]
    asymmetry = section["truth"]["registration"]["hippocampus_asymmetry"]
    assert asymmetry["correlation"]["value"] > 0.9 and asymmetry["correlation"]["n"] == 14
    assert section["unmeasured"] == 0 and "did not train on" in section["reference"]
    assert section["effects"]["tle"]["not_computed"].startswith("4 ")


def test_so_few_scans_give_no_light(done: tuple[dict[str, Any], Path]) -> None:
    found, out = done[0]["verdict"], done[1]
    assert found["lights"]["reconstruction"]["light"] == found["lights"]["fidelity"]["light"] == "grey"
    assert found["counts"]["green"] == 0
    assert len(durable.read_table(out / "verdict.tsv")) == sum(len(v["figures"]) for v in found["lights"].values())


def test_classifiers_are_judged_on_test_alone(done: tuple[dict[str, Any], Path]) -> None:
    results, out = done
    section = results["classification"]
    assert section["test"] == {"n": 6, "hc": 3, "tle": 3}
    assert section["volumetry"]["real"]["auc_roc"]["value"] == 1.0
    table = durable.read_table(out / "predictions.tsv")
    assert set(table["cohort"]) == {"test", "synthetic"}
    arm = table[(table["arm"] == "real") & (table["cohort"] == "test")]
    confusion = section["arms"]["real"]["confusion"]
    called = pd.to_numeric(arm["probability"]) >= 0.5
    assert confusion["tp"] == int((called & (arm["group"] == "tle")).sum())
    assert section["synthetic_by_real"]["n"] == 8


def test_the_papers_figures_stand_beside_ours(done: tuple[dict[str, Any], Path]) -> None:
    out = done[1]
    assert list(durable.read_table(out / "table1.tsv")["paper"]) == ["0.058", "0.017", "0.33"]
    table = durable.read_table(out / "table2.tsv")
    assert {"87.36", "99.07"} <= set(table["paper"].dropna())
    assert set(durable.read_table(out / "table4.tsv")["train"]) == {"real", "real+0.25"}


def test_about_counts_people_and_hashes_sources(done: tuple[dict[str, Any], Path], run: Run) -> None:
    about = done[0]["about"]
    assert about["n"]["test"] == {"hc": 3, "tle": 3} and about["synthetic"] == {"hc": 4, "tle": 4}
    assert "not clinical evidence" in about["banner"]
    assert about["measured"] == SETTINGS.measured.model_dump(mode="json")
    assert about["provenance"]["splits.tsv"] == durable.sha256(run.splits)


def test_the_same_seed_gives_the_same_results(done: tuple[dict[str, Any], Path], run: Run, tmp_path: Path) -> None:
    """Also where other parts are absent: each part's draws are its own."""
    absent = tmp_path / "absent"
    again = go(run, tmp_path / "again", reconstructions=absent, classifiers=absent, truth=None)
    for part in ("frechet", "generation", "diversity"):
        assert again[part] == done[0][part], part


def test_absent_parts_say_why(run: Run, tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    found = go(run, tmp_path, synthetic=absent, reconstructions=absent, classifiers=absent, truth=None)
    assert found["reconstruction"]["command"] == "tlesynth encode"
    assert found["frechet"]["command"] == "tlesynth sample"
    assert found["classification"]["command"] == "tlesynth train classifier"
    assert "not_computed" in found["diversity"]["hc"]["synthetic"] and "value" in found["diversity"]["hc"]["real"]
    assert "not_computed" in found["disease"]["truth"]


@pytest.mark.parametrize("renamed", [False, True])
def test_a_synthetic_scan_in_test_is_refused(run: Run, tmp_path: Path, renamed: bool) -> None:
    derivatives, splits = tmp_path / "derivatives", tmp_path / "splits.tsv"
    shutil.copytree(run.derivatives, derivatives)
    table = durable.read_table(run.splits)
    if renamed:
        victim = table["participant_id"].iloc[-1]
        (target,) = (derivatives / victim / "anat").glob("*.nii.gz")
        shutil.copy(next(run.synthetic.glob("sub-syntle1/anat/*.nii.gz")), target)
    else:
        table.loc[len(table)] = {"participant_id": "sub-syntle1", "group": "tle", "split": "test"}
    durable.write_table(splits, table)
    with pytest.raises(TlesynthError) as caught:
        go(run, tmp_path / "out", derivatives=derivatives, splits=splits)
    assert caught.value.code == "DATA-013"
    assert not (tmp_path / "out").exists()


def test_figures_are_finite(done: tuple[dict[str, Any], Path]) -> None:
    assert all(np.isfinite(f["value"]) for f in figures(done[0]) if "value" in f)
