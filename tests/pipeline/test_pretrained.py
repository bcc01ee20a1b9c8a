"""What a run wants of pretrained weights is told before it starts."""

from pathlib import Path

import pytest

from tlesynth import recipe, weights
from tlesynth.errors import TlesynthError
from tlesynth.pipeline.pretrained import MEASURES, require_weights, weights_rows


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty weights folder, and a cache folder that is empty too."""
    monkeypatch.setenv(weights.FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / weights.SOURCES[name].files[0]).write_bytes(b"")


def test_missing_weights_of_the_loss_are_told_with_the_command_and_the_way_without(folder: Path) -> None:
    paper = recipe.load("paper")
    told = weights_rows(paper)["perceptual loss"]
    assert "MISSING" in told and "tlesynth weights fetch alexnet" in told
    (way,) = [word for word in told.rstrip(")").split() if word.startswith("autoencoder.")]
    assert "perceptual loss" not in weights_rows(recipe.load("paper", [way]))
    with pytest.raises(TlesynthError, match="WTS-001.*tlesynth weights fetch alexnet"):
        require_weights(paper)
    put(folder, "alexnet")
    require_weights(paper)
    assert weights_rows(paper)["perceptual loss"] == "lpips-alex, weights of alexnet here"


def test_what_the_evaluation_would_leave_out_is_named(folder: Path) -> None:
    tiny = recipe.load("tiny")
    told = weights_rows(tiny)["not measured"]
    assert all(words in told for words in MEASURES.values()) and set(MEASURES) == set(weights.NAMES) - {
        "efficientnetv2-s"
    }
    put(folder, "inception-v3")
    assert "FID" not in weights_rows(tiny)["not measured"]
    put(folder, *weights.NAMES)
    assert weights_rows(tiny) == {}


def test_a_classifier_that_starts_from_imagenet_is_refused_without_it(folder: Path) -> None:
    tiny = recipe.load("tiny", ["classifier.pretrained=true"])
    assert "MISSING" in weights_rows(tiny)["classifier's start"]
    with pytest.raises(TlesynthError, match="WTS-001.*tlesynth weights fetch efficientnetv2-s"):
        require_weights(tiny)
    put(folder, "efficientnetv2-s")
    require_weights(tiny)
