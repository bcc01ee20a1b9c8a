"""A trained classifier: what it is, where it lies on disk, and its probabilities.

The folder holds tensors as safetensors and everything else as JSON: ``classifier.safetensors`` what scores a volume,
``judging.safetensors`` what makes a probability of a score, ``config.json`` and a manifest.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors.torch import load_file, save_file
from torch import Tensor

from tlesynth import durable
from tlesynth.classifier.calibration import Calibration
from tlesynth.classifier.network_scorer import NetworkScorer, network_for
from tlesynth.classifier.novelty import Novelty
from tlesynth.classifier.table_models import TableModel, TableScorer
from tlesynth.errors import fail
from tlesynth.recipe import Classifier
from tlesynth.training import device_of, require_device
from tlesynth.volume import GRIDS, Grid

WEIGHTS, JUDGING, CONFIG = "classifier.safetensors", "judging.safetensors", "config.json"
FORMAT = "tlesynth-classifier-2"
CURVES, AVERAGE, NOVELTY = "calibration.curves", "average", "novelty."
Floats = NDArray[np.float64]


class ModelConfig(BaseModel):
    """What a classifier is, beside its tensors; thresholds are on the calibrated probability and come from val."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["tlesynth-classifier-2"] = FORMAT
    settings: Classifier
    arm: str
    grid: str
    shape: tuple[int, int, int]
    grid_fingerprint: str
    n_train: dict[str, int]
    n_val: int
    steps: int
    best_step: int
    temperature: float
    youden_threshold: float
    threshold: float = 0.5


class Scorer(Protocol):
    """What a kind of classifier does with volumes."""

    def logits(self, volumes: NDArray[np.floating]) -> Floats:
        """Uncalibrated logits of the positive class, (N,), of volumes (N, X, Y, Z) on [0, 1]."""
        ...

    def attribution(self, volume: NDArray[np.floating], average: NDArray[np.floating]) -> NDArray[np.float32]:
        """What each place of a volume (X, Y, Z) adds to its logit: a map whose sum is the logit's distance from that
        of an average scan."""
        ...

    def tensors(self) -> dict[str, Tensor]:
        """All that was learned, by name."""
        ...


@dataclass(frozen=True, eq=False)
class TrainedClassifier:
    """A classifier of any kind, ready to judge volumes on its grid."""

    config: ModelConfig
    scorer: Scorer
    calibration: Calibration
    novelty: Novelty
    average: NDArray[np.float16]
    """The mean training scan, (X, Y, Z): what a scan's map is measured from."""

    def logits(self, volumes: NDArray[np.floating], grid: Grid | None = None) -> Floats:
        """Uncalibrated logits of the positive class, (N,), of volumes (N, X, Y, Z) on [0, 1].

        Raises:
            TlesynthError: NII-030 if the volumes are not on the classifier's grid.
        """
        config = self.config
        if tuple(volumes.shape[1:]) != config.shape or (grid and grid.fingerprint != config.grid_fingerprint):
            raise fail(
                "NII-030", "classifier", f"volumes of {volumes.shape[1:]}; it reads {config.grid} {config.shape}"
            )
        return self.scorer.logits(volumes) if len(volumes) else np.zeros(0)

    def probabilities(self, volumes: NDArray[np.floating], grid: Grid | None = None) -> Floats:
        """Calibrated probability of the positive class (see ``scan_set.CLASSES``), (N,).

        Raises:
            TlesynthError: NII-030 if the volumes are not on the classifier's grid.
        """
        return self.calibration.probabilities(self.logits(volumes, grid))


def save(folder: Path, trained: TrainedClassifier) -> None:
    """Publish a model folder with its manifest."""
    with durable.publishing(folder) as temporary:
        tensors = {k: v.detach().cpu().contiguous() for k, v in trained.scorer.tensors().items()}
        save_file(tensors, temporary / WEIGHTS)
        judging = {CURVES: torch.from_numpy(trained.calibration.curves), AVERAGE: torch.from_numpy(trained.average)}
        judging |= {NOVELTY + name: tensor.contiguous() for name, tensor in trained.novelty.tensors().items()}
        save_file(judging, temporary / JUDGING)
        durable.write_json(temporary / CONFIG, trained.config.model_dump(mode="json"))


def load_config(folder: Path) -> ModelConfig:
    """Read a model's configuration.

    Raises:
        TlesynthError: MOD-004 if the folder holds no classifier.
    """
    values = durable.read_json(folder / CONFIG, "MOD-004")
    try:
        return ModelConfig.model_validate(values)
    except ValidationError as error:
        raise fail(
            "MOD-004",
            folder / CONFIG,
            f"{error.error_count()} values unknown or missing, as in a model of another version: train it again",
        ) from error


def load(folder: Path, device: str = "cpu") -> TrainedClassifier:
    """Read a classifier of any kind, after checking its manifest; ``device`` is auto, cpu or cuda.

    Raises:
        TlesynthError: MOD-004 if the folder holds no classifier or a file of it is missing or changed, CFG-002 or
            RES-010 if there is no such device.
    """
    require_device(device)  # of a model on measured volumes too, which computes on none
    durable.verify(folder, "MOD-004")
    config = load_config(folder)
    judging = load_file(folder / JUDGING)
    try:
        calibration = Calibration(config.temperature, judging[CURVES].numpy())
        parts = {k.removeprefix(NOVELTY): v for k, v in judging.items() if k.startswith(NOVELTY)}
        novelty, average = Novelty.from_tensors(parts), judging[AVERAGE].numpy()
    except KeyError as error:
        raise fail("MOD-004", folder / JUDGING, f"it lacks {error}") from error
    return TrainedClassifier(config, _scorer(folder, config, device), calibration, novelty, average)


def predict(folder: Path, volumes: NDArray[np.floating], grid: Grid | None = None, *, device: str = "cpu") -> Floats:
    """Calibrated probability of the positive class, (N,), of volumes (N, X, Y, Z) on [0, 1].

    Raises:
        TlesynthError: NII-030 if the volumes are not on the classifier's grid, MOD-004 for a damaged model folder.
    """
    return load(folder, device).probabilities(volumes, grid)


def _scorer(folder: Path, config: ModelConfig, device: str) -> Scorer:
    grid, tensors = _grid_of(folder, config), load_file(folder / WEIGHTS)
    try:
        if config.settings.kind == "volumes":
            return TableScorer(TableModel.from_tensors(tensors), config.settings, grid)
        network = network_for(config.settings, grid, seed=0)
        network.load_state_dict(tensors)
    except (RuntimeError, KeyError) as error:
        raise fail("MOD-004", folder / WEIGHTS, "its tensors are not those of its kind") from error
    return NetworkScorer(network.to(device_of(device)).eval())


def _grid_of(folder: Path, config: ModelConfig) -> Grid:
    grid = GRIDS.get(config.grid)
    if grid is None or grid.fingerprint != config.grid_fingerprint:
        raise fail("MOD-004", folder / CONFIG, f"its grid {config.grid} is not one of this version")
    return grid
