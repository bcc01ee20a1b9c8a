"""Every kind is fitted, stored and loaded in the same way, and learns what is plain to see."""

import json
from pathlib import Path

import numpy as np
import pytest

from tlesynth import durable
from tlesynth.classifier.interface import Fitting, ScanSet, examples_of, fit, load, youden_threshold
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Classifier

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
