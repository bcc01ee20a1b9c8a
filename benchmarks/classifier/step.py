"""A training step of EfficientNetV2-S on coronal slices, as the product takes it and as plain PyTorch would."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from machine import bfloat16_is_native, publish, tell
from timing import Job, Load, compared, interleave
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from tlesynth.classifier import networks
from tlesynth.training import Learner, fabric_for
from tlesynth.training.optimizers import optimizer_of
from tlesynth.training.step import take_step

ABOUT = "a step of the paper's 2D classifier on 1.5 mm volumes, and how many epochs fit into ten minutes"
SHAPE = (112, 136, 112)
SUBJECTS, MINUTES = 400, 10
"""What the classifier is to be trained on, and in."""
RATE = 1e-3


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this part."""
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--network", default="tf_efficientnetv2_s")
    parser.add_argument("--batch", type=int, default=128)


def run(given: argparse.Namespace, out: Path) -> None:
    """Time the steps in turn, publish."""
    sides = {name: Step(given.network, given.batch, name) for name in HOW}
    for name, side in sides.items():
        tell(f"{name}: warm-up, loss {side():.4f}")
    jobs = [Job(name, side) for name, side in sides.items()]
    with Load() as load:
        interleave(jobs, given.passes, tell)
    a_step = next(job for job in jobs if job.name == "ours").median
    epoch = -(-SUBJECTS // given.batch)
    result = {
        "unit": "core-seconds / threads a step, median over runs; ratios are the peer's over ours",
        "network": given.network,
        "batch": given.batch,
        "volume": "x".join(map(str, SHAPE)),
        "steps_an_epoch": epoch,
        "epochs_in_ten_minutes": round(60 * MINUTES / a_step / epoch, 1),
        "ratios": compared(jobs, {}),
        "seconds": {job.name: job.result() for job in jobs},
        "load": load.result(),
    }
    publish("step", result, out)


class Step:
    """A network with random weights and the product's step on made-up volumes, half of each class."""

    def __init__(self, network: str, batch: int, how: str) -> None:
        precision, channels_last, fused = HOW[how]
        self.channels_last = channels_last
        self.fabric = fabric_for("cpu", precision if bfloat16_is_native() else "32-true")
        built = networks.build(network, SHAPE[1], seed=0)
        plain = torch.optim.Adam(built.parameters(), lr=RATE)
        optimizer = optimizer_of(built, "adam", RATE, 0.0) if fused else plain
        self.network, optimizer = self.fabric.setup(built, optimizer)
        draws = torch.Generator().manual_seed(0)
        self.volumes = torch.rand(batch, *SHAPE, generator=draws).half()
        self.labels = torch.from_numpy(np.arange(batch) % 2).float()
        self.learner = Learner(self.network, optimizer, self.loss)

    def loss(self, step: int) -> Iterator[dict[str, Tensor]]:
        """The paper's: binary cross-entropy."""
        volumes = self.volumes.float()
        if self.channels_last:
            logits = self.network(volumes)
        else:
            images = volumes.permute(0, 2, 1, 3).contiguous()
            logits = self.network.module.backbone(images)[:, 0]
        yield {"loss": binary_cross_entropy_with_logits(logits.float(), self.labels)}

    def __call__(self) -> float:
        """One step; its loss."""
        return take_step(self.fabric, self.learner).figures["loss"]


HOW = {
    "ours": ("bf16-mixed", True, True),
    "channels first": ("bf16-mixed", False, False),
    "channels first, float32": ("32-true", False, False),
}
"""By side: precision, whether the product's layout is used, and whether its optimiser is."""
