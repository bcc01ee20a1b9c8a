"""What a verb and a stage of a run both do: training with its verdict and page, in one process or several, tuning."""

import signal
import sys
from pathlib import Path

import pytest

from tlesynth import durable, interruption, recipe
from tlesynth.autoencoder import foreign, train
from tlesynth.autoencoder.gate import verdict
from tlesynth.diffusion import train as diffusion
from tlesynth.diffusion import tune as tuning
from tlesynth.errors import TlesynthError
from tlesynth.pipeline import models
from tlesynth.report import autoencoder_page


def test_the_page_follows_the_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded, calls = recipe.load("tiny"), []

    def trained(derivatives: Path, splits: Path, out: Path, settings: recipe.Autoencoder, **machine: object) -> None:
        given = {"seed": 1, "device": "cpu", "precision": "32-true", "inference": loaded.inference}
        assert settings == loaded.autoencoder and machine == given
        calls.append("train")
        durable.write_json(out / "gate.json", {"verdict": "failed"})

    def page(run: Path, derivatives: Path, out: Path, *, data: str) -> Path:
        calls.append(data)
        return out

    monkeypatch.setattr(train, "train_autoencoder", trained)
    monkeypatch.setattr(autoencoder_page, "build", page)
    run = tmp_path / "autoencoder"
    told = models.train_autoencoder(tmp_path / "derivatives", tmp_path / "splits.tsv", run, loaded, data="planted")
    assert calls == ["train", "planted"]
    assert told == {"model": str(run / "model"), "quality gate": "failed", "page": str(run / "autoencoder.html")}


def test_imported_weights_are_judged_by_the_recipe_and_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded, calls = recipe.load("tiny", ["inference.precision=bf16-true"]), []

    def imported(*args: object, **named: object) -> None:
        calls.append((args, named))
        durable.write_json(tmp_path / "out" / "gate.json", {"verdict": "passed"})

    monkeypatch.setattr(foreign, "import_autoencoder", imported)
    monkeypatch.setattr(autoencoder_page, "build", lambda run, derivatives, out, data: out)
    places = (Path("vae.pt"), "maisi", tmp_path / "d", tmp_path / "s.tsv", tmp_path / "out")
    told = models.import_autoencoder(*places, loaded, 16)
    how = {"norm_groups": 16, "device": "cpu", "judging": (loaded.autoencoder.gate, loaded.inference)}
    assert calls == [(places, how)]
    assert told["quality gate"] == "passed" and told["page"] == str(tmp_path / "out" / "autoencoder.html")


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """What the training of the diffusion model was called with."""
    calls: list[tuple[object, ...]] = []
    monkeypatch.setattr(diffusion, "train_diffusion", lambda *args, **named: calls.append((*args, named)))
    return calls


def latents(folder: Path, gate: dict | None) -> Path:
    durable.write_json(folder / "latents.json", {"autoencoder": "a", "grid": "mni-3mm", "shape": [1], "gate": gate})
    return folder


def test_one_device_trains_here(tmp_path: Path, trained: list[tuple[object, ...]]) -> None:
    loaded, folder = recipe.load("tiny"), latents(tmp_path / "l", None)
    models.train_diffusion(folder, tmp_path / "s", tmp_path / "o", loaded, written=tmp_path / "recipe.yaml")
    machine = {"seed": 1, "device": "cpu", "precision": "32-true", "devices": 1, "gate": None}
    usage = recipe.Usage(sampling=loaded.sample.sampling, inference=loaded.inference)
    assert trained == [(folder, tmp_path / "s", tmp_path / "o", loaded.diffusion, machine | {"usage": usage})]


def test_a_sampler_that_cannot_sample_the_model_is_refused_before_training(
    tmp_path: Path, trained: list[tuple[object, ...]]
) -> None:
    loaded, folder = recipe.load("paper", ["diffusion.noise.process=flow"]), latents(tmp_path / "l", None)
    with pytest.raises(TlesynthError, match=r"CFG-002.*ddpm does not sample a flow"):
        models.train_diffusion_here(folder, tmp_path / "s", tmp_path / "o", loaded)
    assert not trained


def test_limits_that_were_loosened_after_encoding_count_at_once(
    tmp_path: Path, trained: list[tuple[object, ...]]
) -> None:
    """From the figures that the latents carry: no scan is looked at again, nothing is encoded again."""
    names = {limit.figure for limit in verdict.LIMITS.values()}
    figures = {name: None for name in names} | {"l1_brain": {"value": 0.07, "low": None, "high": None, "n": 2}}
    failed = verdict.carried(verdict.judge(figures, recipe.Gate()), figures)
    assert failed["verdict"] == "failed"
    folder = latents(tmp_path / "l", failed)
    wished = {(): "failed", ("autoencoder.gate.l1=0.08",): "passed", ("autoencoder.gate.psnr=1",): "failed"}
    for override, wanted in wished.items():
        models.train_diffusion_here(folder, Path("s"), Path("o"), recipe.load("paper", override), 2)
        named = trained[-1][-1]
        assert isinstance(named, dict) and named["gate"]["verdict"] == wanted and named["devices"] == 2
    assert named["gate"]["loosened"] == ["psnr"]


def test_several_devices_are_a_command_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lightning repeats the command of the first process: that of the whole run would start every stage again."""
    words: list[str] = []
    monkeypatch.setattr(models, "_by_command", words.extend)
    loaded = recipe.load("tiny", ["devices=2"])
    models.train_diffusion(Path("l"), Path("s.tsv"), Path("o"), loaded, written=Path("recipe.yaml"))
    places = ["--latents", "l", "--splits", "s.tsv", "--out", "o", "--recipe", "recipe.yaml"]
    assert words == ["train", "diffusion", *places]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands for the interpreter: ends with 3 for the verb ``fail``, else waits to be stopped and ends with 75."""
    path = tmp_path / "python"
    path.write_text("#!/bin/sh\n[ \"$3\" = fail ] && exit 3\ntrap 'exit 75' TERM\nwhile true; do sleep 0.1; done\n")
    path.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(path))
    return path


def test_a_command_that_fails_ends_the_run_with_its_status(command: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        models._by_command(["fail"])
    assert caught.value.code == 3


def test_a_stop_request_is_handed_on(command: Path) -> None:
    with interruption.graceful():
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(SystemExit) as caught:
            models._by_command(["wait"])
    assert caught.value.code == 75


def test_tuning_leaves_its_table_and_its_curves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = recipe.load("tiny")
    pair = {"steps": 4, "guidance": 1.0, "distance": 0.5, "error": 0.0, "passes": 4}

    def swept(*args: object, **named: object) -> dict[str, object]:
        assert args[3:] == (loaded.tune, loaded.sample) and named == {"seed": 1, "device": "cpu"}
        return {"pairs": [pair], "chosen": pair, "floor": 0.4}

    monkeypatch.setattr(tuning, "tune", swept)
    told = models.tune(tmp_path / "diffusion" / "model", tmp_path / "l", tmp_path / "s", loaded)
    assert told["steps"] == 4 and told["guidance"] == 1.0
    assert told["curves"] == str(tmp_path / "diffusion" / "tuned.webp") and Path(told["curves"]).stat().st_size > 1000
