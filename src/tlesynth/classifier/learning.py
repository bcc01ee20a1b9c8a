"""Training of a network on a set of scans by the package's step loop; the checkpoint is chosen on validation."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR

from tlesynth.classifier.feed import Feed
from tlesynth.classifier.fitting import Fitted, Fitting
from tlesynth.classifier.network_scorer import NetworkScorer, network_for, network_logits
from tlesynth.classifier.networks import CoronalClassifier, start_from_imagenet
from tlesynth.classifier.scan_set import ScanSet
from tlesynth.classifier.validating import validation_figures
from tlesynth.recipe import Classifier
from tlesynth.run_folder import RunFolder
from tlesynth.seeds import seed_of, torch_generator
from tlesynth.training import Learner, Order, Rhythm, Segment, fabric_for, train
from tlesynth.training.augmentation import moved, recoloured
from tlesynth.training.optimizers import optimizer_of, warm_restarts


@dataclass(frozen=True)
class Way:
    """How a network learns: its optimiser and the course of its learning rate."""

    optimizer: torch.optim.Optimizer
    schedule: LRScheduler


def fit_network(training: ScanSet, validation: ScanSet, how: Fitting, run: RunFolder) -> Fitted:
    """Train the network of ``how.settings`` for ``how.steps`` steps; the weights are those best on ``validation``.

    Raises:
        TlesynthError: CFG-002 for an unknown network, WTS-001 if its ImageNet weights are missing, NUM-001 if training
            breaks down, OPS-075 after a stop request.
    """
    settings, began = how.settings, time.monotonic()
    fabric = fabric_for(how.device, how.precision)
    bare = network_for(settings, training.grid, seed=seed_of(how.seed, "classifier", "weights"))
    if settings.pretrained and isinstance(bare, CoronalClassifier):
        start_from_imagenet(bare, settings.network)
    way = _way(bare, how)
    network, optimizer = fabric.setup(bare, way.optimizer)
    feed, judged = Feed(training, fabric.device), Feed(validation, fabric.device)
    positive = torch.from_numpy(training.positive.astype(np.float32)).to(fabric.device)
    order = Order(len(training), settings.scans_a_step, how.seed, "classifier")

    def loss(step: int) -> Iterator[dict[str, Tensor]]:
        rows = order.batch(step)
        volumes, flipped = varied(feed.batch(rows), settings, training.grid.spacing, how.seed, step)
        labels = swapped(positive[torch.from_numpy(rows).to(positive.device)], flipped, settings)
        with dropping(seed_of(how.seed, "classifier", "dropout", step), fabric.device):
            logits = network(volumes).float()
        yield {"loss": binary_cross_entropy_with_logits(logits, labels)}

    def validate() -> dict[str, float]:
        return validation_figures(network_logits(network, judged.batches()), validation.positive)

    position = train(
        run,
        fabric,
        {"classifier": Learner(network, optimizer, loss, way.schedule)},
        [Segment("classifier", "classifier", "classifier", how.steps)],
        validate=validate,
        rhythm=Rhythm(settings.validate_every, settings.checkpoint_every),
        label=f"classifier {training.name}".strip(),
    )
    best = position.best["best"].step
    share = feed.seconds / max(time.monotonic() - began, 1e-9)
    logits = network_logits(network, judged.batches())
    return Fitted(NetworkScorer(bare.eval()), logits, best, {"loading_share": round(share, 4)})


@contextmanager
def dropping(seed: int, device: torch.device) -> Generator[None]:
    """While this block runs, what a network drops hangs on ``seed`` alone; the caller's draws are left as they were."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def varied(
    volumes: Tensor, settings: Classifier, spacing: float, seed: int, step: int
) -> tuple[Tensor, NDArray[np.bool_]]:
    """Volumes (B, X, Y, Z) as ``settings.augmentation`` varies them at a step, and which were mirrored, (B,)."""
    wanted = settings.augmentation
    flipped = np.zeros(len(volumes), bool)
    if not wanted.varies:
        return volumes, flipped
    draws = torch_generator(seed, "classifier", "augmentation", step)
    if wanted.flip:
        mirrored = torch.rand(len(volumes), generator=draws) < 0.5
        flipped = mirrored.numpy()
        volumes = torch.where(mirrored.to(volumes.device).view(-1, 1, 1, 1), volumes.flip(1), volumes)
    unflipped = wanted.model_copy(update={"flip": False})
    x = moved(volumes.unsqueeze(1), unflipped, draws, spacing)
    return recoloured(x, unflipped, draws).squeeze(1), flipped


def swapped(labels: Tensor, flipped: NDArray[np.bool_], settings: Classifier) -> Tensor:
    """Labels (B,) of which those of mirrored volumes change, where the task is the side."""
    if settings.task != "side" or not flipped.any():
        return labels
    return torch.where(torch.from_numpy(flipped).to(labels.device), 1 - labels, labels)


def _way(network: nn.Module, how: Fitting) -> Way:
    """The paper's for its network: Adam, cosine with warm restarts. One cycle of AdamW for the small 3D one."""
    settings = how.settings
    if settings.kind == "cnn3d":
        small = settings.cnn3d
        adamw = torch.optim.AdamW(network.parameters(), lr=small.learning_rate, weight_decay=small.weight_decay)
        cycle = OneCycleLR(adamw, small.learning_rate, total_steps=how.steps + 1, cycle_momentum=False)
        return Way(adamw, cycle)
    adam = optimizer_of(network, "adam", settings.learning_rate, 0.0)
    return Way(adam, warm_restarts(adam, how.restart, settings.learning_rate))
