"""A trained classifier on disk: weights as safetensors, everything else as JSON, and its predictions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors.torch import load_file, save_file
from torch import nn

from tlesynth import durable
from tlesynth.classifier.networks import CoronalClassifier, build
from tlesynth.errors import fail
from tlesynth.volume import Grid

WEIGHTS, CONFIG = "classifier.safetensors", "config.json"
PREDICTION_BATCH = 16


class ModelConfig(BaseModel):
    """What a classifier is, beside its weights; thresholds are on the probability of TLE and come from val alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: str
    arm: str
    grid: str
    shape: tuple[int, int, int]
    grid_fingerprint: str
    n_train: dict[str, int]
    steps: int
    best_step: int
    youden_threshold: float
    threshold: float = 0.5


def save(folder: Path, network: nn.Module, config: ModelConfig) -> None:
    """Publish a model folder with its manifest."""
    with durable.publishing(folder) as temporary:
        tensors = {k: v.detach().cpu().contiguous() for k, v in network.state_dict().items()}
        save_file(tensors, temporary / WEIGHTS)
        durable.write_json(temporary / CONFIG, config.model_dump(mode="json"))


def load_config(folder: Path) -> ModelConfig:
    """Read a model's configuration.

    Raises:
        TlesynthError: MOD-004 if the folder holds no classifier.
    """
    values = durable.read_json(folder / CONFIG, "MOD-004")
    try:
        return ModelConfig.model_validate(values)
    except ValidationError as error:
        raise fail("MOD-004", folder / CONFIG, f"{error.error_count()} unusable values") from error


def load(folder: Path) -> tuple[CoronalClassifier, ModelConfig]:
    """Read a classifier, ready to predict, after checking its manifest.

    Raises:
        TlesynthError: MOD-004 if the folder holds no classifier or a file of it is missing or changed.
    """
    durable.verify(folder, "MOD-004")
    config = load_config(folder)
    network = build(config.network, config.shape[1], seed=0)
    network.load_state_dict(load_file(folder / WEIGHTS))
    return network.eval(), config


def predict(folder: Path, volumes: np.ndarray, grid: Grid | None = None, *, device: str = "cpu") -> np.ndarray:
    """Probability of TLE, (N,) float64, of volumes (N, X, Y, Z) on [0, 1].

    Raises:
        TlesynthError: NII-030 if the volumes are not on the classifier's grid, MOD-004 for a damaged model folder.
    """
    network, config = load(folder)
    if tuple(volumes.shape[1:]) != config.shape or (grid and grid.fingerprint != config.grid_fingerprint):
        raise fail("NII-030", folder, f"volumes of {volumes.shape[1:]}; it reads {config.grid} {config.shape}")
    fitting = "cuda" if torch.cuda.is_available() else "cpu"
    return probabilities(network.to(fitting if device == "auto" else device), volumes)


@torch.inference_mode()
def probabilities(network: nn.Module, volumes: np.ndarray | torch.Tensor) -> np.ndarray:
    """Probability of TLE, (N,) float64, with the network in evaluation mode and left in the mode it was in."""
    was_training = network.training
    network.eval()
    device = next(network.parameters()).device
    logits = [network(batch.to(device=device, dtype=torch.float32)).float().cpu() for batch in _batches(volumes)]
    network.train(was_training)
    return torch.cat(logits).double().sigmoid().numpy() if logits else np.zeros(0)


def _batches(volumes: np.ndarray | torch.Tensor) -> Iterator[torch.Tensor]:
    for start in range(0, len(volumes), PREDICTION_BATCH):
        yield torch.as_tensor(volumes[start : start + PREDICTION_BATCH])
