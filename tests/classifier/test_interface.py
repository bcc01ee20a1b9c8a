"""Every kind is fitted, stored and loaded in the same way, and learns what is plain to see."""

import json
from pathlib import Path

import numpy as np
import pytest

from tlesynth import durable, interruption
from tlesynth.classifier.interface import Fitting, ScanSet, examples_of, fit, load, youden_threshold
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Classifier, Cnn3d

from .conftest import GRID, cache_in_memory

TRAINING, HELD_OUT = cache_in_memory("train", 8, 8, 0), cache_in_memory("val", 4, 6, 0, seed=1)
SETTINGS = Classifier(network="test_efficientnet", batch_size=8, validate_every=8, checkpoint_every=8)


def scans(name: str, task: str = "tle") -> ScanSet:
    cache = TRAINING if name == "train" else HELD_OUT
    return ScanSet(name, examples_of(cache, cache.cohort.ids, task))


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The paper's kind, fitted once."""
    return fit(scans("train"), scans("val"), Fitting(SETTINGS, 24, 4, seed=0), tmp_path_factory.mktemp("fit"))


def test_what_was_fitted_is_loaded_and_right(fitted: Path) -> None:
    loaded = load(fitted)
    found = loaded.probabilities(HELD_OUT.volumes, GRID)
    positive = scans("val").positive
    assert found[positive].min() > found[~positive].max()
    assert loaded.config.n_train == {"real": 16, "synthetic": 0} and loaded.config.n_val == 10
    table = durable.read_table(fitted.parent / "val_predictions.tsv")
    assert table["probability"].astype(float).to_numpy() == pytest.approx(found, abs=1e-4)
    assert table["class"].tolist() == ["hc"] * 4 + ["tle"] * 6


def test_the_folder_holds_tensors_and_json_alone(fitted: Path) -> None:
    assert {file.suffix for file in fitted.iterdir()} == {".safetensors", ".json"}


@pytest.mark.parametrize("task", ["tle", "side"])
def test_the_3d_kind_learns_either_task_and_resumes_to_the_same_bits(
    task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training, held_out = cache_in_memory("sides", 6, 6, 6), cache_in_memory("others", 4, 4, 4, seed=1)
    one, other = (ScanSet("set", examples_of(c, c.cohort.ids, task)) for c in (training, held_out))
    small = Cnn3d(width=4, batch_size=6, learning_rate=1e-2)
    settings = Classifier.model_validate(
        {"kind": "cnn3d", "task": task, "cnn3d": small, "validate_every": 8, "checkpoint_every": 8}
    )
    how = Fitting(settings, 16, 4, seed=0)
    folder = fit(one, other, how, tmp_path / "whole")
    found = load(folder).probabilities(held_out.volumes[[e.row for e in other.examples]])
    assert found[other.positive].min() > found[~other.positive].max()
    with monkeypatch.context() as patch:
        stops = iter([False] * 8 + [True])
        patch.setattr(interruption, "requested", lambda: next(stops))
        with pytest.raises(TlesynthError, match="OPS-075"):
            fit(one, other, how, tmp_path / "stopped")
    resumed = fit(one, other, how, tmp_path / "stopped")
    assert durable.sha256(resumed / "classifier.safetensors") == durable.sha256(folder / "classifier.safetensors")


def test_the_share_of_loading_is_written_down(fitted: Path) -> None:
    assert 0 < json.loads((fitted.parent / "done.json").read_text())["loading_share"] < 1


def test_the_same_again_is_kept_and_another_set_refused(fitted: Path) -> None:
    how = Fitting(SETTINGS, 24, 4, seed=0)
    before = durable.sha256(fitted / "classifier.safetensors")
    assert fit(scans("train"), scans("val"), how, fitted.parent) == fitted
    assert durable.sha256(fitted / "classifier.safetensors") == before
    with pytest.raises(TlesynthError, match="CFG-010"):
        fit(scans("val"), scans("train"), how, fitted.parent)


def test_a_set_of_one_class_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    alone = ScanSet("alone", examples_of(TRAINING, TRAINING.cohort.ids[:8], "tle"))
    with pytest.raises(TlesynthError, match=r"DATA-008.*alone"):
        fit(alone, scans("val"), Fitting(SETTINGS, 4, 4, seed=0), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_youden_threshold_lies_in_the_gap() -> None:
    scores, positive = np.array([0.1, 0.2, 0.6, 0.9]), np.array([False, False, True, True])
    assert youden_threshold(scores, positive) == pytest.approx(0.4)
    assert 0.2 < youden_threshold(np.array([0.2, 0.2, 0.8]), np.array([False, False, True])) < 0.8
