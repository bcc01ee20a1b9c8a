"""Training ends with a verdict and a page, also when the training itself was finished before."""

from pathlib import Path

import pytest

from tlesynth import durable, recipe
from tlesynth.autoencoder import train
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
