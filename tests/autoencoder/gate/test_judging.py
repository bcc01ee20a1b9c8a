"""Training leaves a verdict that travels with the model; other limits judge it anew without looking at a scan again."""

import json
import shutil
from pathlib import Path

import pytest

from tlesynth import durable, recipe
from tlesynth.autoencoder.gate import judging as module
from tlesynth.autoencoder.gate.examination import examine
from tlesynth.autoencoder.gate.judging import pass_gate_again
from tlesynth.autoencoder.model import load_autoencoder, read_gate, save_autoencoder
from tlesynth.autoencoder.train import train_autoencoder
from tlesynth.data.cohort import read_cohort
from tlesynth.recipe import Gate


@pytest.fixture
def finished(run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run, tmp_path / "autoencoder"))


def again(run: Path, cohort: tuple[Path, Path], limits: Gate) -> dict:
    pass_gate_again(run, read_cohort(cohort[0]), cohort[1], limits, seed=1, device="cpu")
    return json.loads((run / "gate.json").read_text())


def test_training_ends_with_a_verdict_in_the_run_and_in_the_model(run: Path) -> None:
    told, carried = json.loads((run / "gate.json").read_text()), read_gate(run / "model")
    assert carried and told["split"] == "val" and told["scans"] == 1
    assert carried["verdict"] == told["verdict"] == "failed" and carried["reasons"] == told["reasons"] != []
    assert told["autoencoder"] == load_autoencoder(run / "model").fingerprint
    table = durable.read_table(run / "gate.tsv")
    assert table["participant_id"].tolist() == ["sub-04"]
    assert read_cohort(run / "held_out").ids == told["shown"] == ["sub-04"]
    card = (run / "model" / "README.md").read_text()
    assert "**Failed** on 1 held-out scans" in card and told["reasons"][0] in card


def test_people_in_the_gates_folder_have_no_age_or_sex(run: Path) -> None:
    assert list(durable.read_table(run / "held_out" / "participants.tsv").columns) == [
        "participant_id",
        "group",
        "side",
    ]


def test_other_limits_change_the_verdict_and_nothing_else(
    finished: Path, cohort: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "examine", lambda *_: pytest.fail("examined again"))
    before = json.loads((finished / "gate.json").read_text())
    off = Gate(l1=None, psnr=None, grid_artefact_db=None, posterior_noise=None, dead_channels=16)
    told = again(finished, cohort, off)
    assert told["verdict"] == "passed" and told["figures"] == before["figures"]
    carried = read_gate(finished / "model")
    assert carried and carried["verdict"] == "passed" and "l1" in carried["loosened"]
    durable.verify(finished / "model")
    assert "loosened these limits of the product: l1, psnr" in (finished / "model" / "README.md").read_text()


def test_a_model_without_a_gate_is_judged_when_its_run_is_asked_for(
    finished: Path, cohort: tuple[Path, Path], settings: recipe.Autoencoder
) -> None:
    (finished / "gate.json").unlink()
    network = load_autoencoder(finished / "model")
    facts = json.loads((finished / "model" / "config.json").read_text())["training"]
    save_autoencoder(finished / "model", network, facts)
    assert read_gate(finished / "model") is None
    assert "Never judged" in (finished / "model" / "README.md").read_text()
    train_autoencoder(*cohort, finished, settings, seed=1, device="cpu", precision="32-true")
    found = read_gate(finished / "model")
    assert found and found["verdict"] == "failed"


def test_limits_do_not_make_it_another_run(
    finished: Path, cohort: tuple[Path, Path], settings: recipe.Autoencoder
) -> None:
    looser = settings.model_copy(update={"gate": Gate(l1=1.0)})
    train_autoencoder(*cohort, finished, looser, seed=1, device="cpu", precision="32-true")
    carried = read_gate(finished / "model")
    assert carried and carried["loosened"] == ["l1"]


def test_another_number_of_scans_is_examined_anew(finished: Path, cohort: tuple[Path, Path], tmp_path: Path) -> None:
    splits = tmp_path / "splits.tsv"
    durable.write_table(splits, durable.read_table(cohort[1]).assign(split="val"))
    assert again(finished, (cohort[0], splits), Gate(scans=2))["scans"] == 2
    carried = read_gate(finished / "model")
    assert carried and carried["scans"] == 2


def test_it_judges_in_the_precision_and_tiles_of_the_recipe_and_says_so(
    finished: Path, cohort: tuple[Path, Path], settings: recipe.Autoencoder
) -> None:
    def retold(inference: recipe.Inference) -> dict:
        given = {"seed": 1, "device": "cpu", "precision": "32-true", "inference": inference}
        train_autoencoder(*cohort, finished, settings, **given)
        return json.loads((finished / "gate.json").read_text())

    before = json.loads((finished / "gate.json").read_text())
    assert before["run"] == {"precision": "float32", "tiles": "none"}
    half = retold(recipe.Inference(precision="bf16-true"))
    assert half["run"]["precision"] == "bfloat16" and half["figures"]["l1"] != before["figures"]["l1"]
    carried = read_gate(finished / "model")
    assert carried and carried["run"] == half["run"]
    assert "run in bfloat16, whole" in (finished / "model" / "README.md").read_text()
    tiled = retold(recipe.Inference(tile=(4, 4, 4), overlap=2))
    assert tiled["run"] == {"precision": "float32", "tiles": {"sides": [4, 4, 4], "overlap": 2}}
    assert retold(recipe.Inference())["figures"] == before["figures"]


def test_no_more_scans_are_examined_than_the_recipe_says(
    run: Path, cohort: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = durable.read_table(cohort[1])
    durable.write_table(tmp_path / "splits.tsv", table.assign(split="val"))
    asked: list[list[str]] = []
    monkeypatch.setattr(module, "examine", lambda n, c, ids: asked.append(list(ids)) or examine(n, c, ids))
    network, scans = load_autoencoder(run / "model"), read_cohort(cohort[0])
    module.pass_gate(tmp_path, network, scans, tmp_path / "splits.tsv", Gate(scans=2), seed=0)
    assert asked == [["sub-01", "sub-02"]]
