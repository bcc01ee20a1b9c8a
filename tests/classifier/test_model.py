"""A model folder comes back as it was; a damaged one, or volumes on another grid, are refused."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from tlesynth.classifier.model import load, predict
from tlesynth.classifier.network_scorer import NetworkScorer
from tlesynth.errors import TlesynthError
from tlesynth.volume import GRIDS

from .conftest import GRID


def volumes(n: int = 3) -> np.ndarray:
    return np.random.default_rng(0).random((n, *GRID.shape)).astype(np.float16)


def test_predictions_do_not_depend_on_the_batch(trained: Path) -> None:
    folder = trained / "real" / "model"
    together = predict(folder, volumes(20), GRID)
    alone = np.concatenate([predict(folder, volumes(20)[k : k + 1]) for k in (0, 17)])
    assert together[[0, 17]] == pytest.approx(alone, abs=1e-5)
    assert ((together > 0) & (together < 1)).all()
    assert predict(folder, volumes(0)).shape == (0,)


def test_prediction_leaves_the_mode_of_the_network(trained: Path) -> None:
    loaded = load(trained / "real" / "model")
    assert isinstance(loaded.scorer, NetworkScorer) and loaded.config.arm == "real" and loaded.config.threshold == 0.5
    assert not loaded.scorer.network.training
    loaded.scorer.network.train()
    loaded.probabilities(volumes(2))
    assert loaded.scorer.network.training


@pytest.mark.parametrize("damage", ["missing", "changed", "no config"])
def test_a_damaged_folder_is_refused(trained: Path, tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(trained / "real" / "model", folder)
    weights = folder / "classifier.safetensors"
    if damage == "missing":
        weights.unlink()
    elif damage == "changed":
        weights.write_bytes(weights.read_bytes()[:-1] + b"\x07")
    else:
        (folder / "config.json").unlink()
    with pytest.raises(TlesynthError, match="MOD-004"):
        predict(folder, volumes())


def test_another_grid_is_refused(trained: Path) -> None:
    with pytest.raises(TlesynthError, match="NII-030"):
        predict(trained / "real" / "model", np.zeros((1, 20, 20, 20), np.float32))
    with pytest.raises(TlesynthError, match="NII-030"):
        predict(trained / "real" / "model", volumes(), GRIDS["mni-3mm"])
