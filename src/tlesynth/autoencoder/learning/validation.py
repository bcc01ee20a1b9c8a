"""What a training run is judged by on held-out scans, and which of its figures chooses the model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor

from tlesynth.autoencoder.learning.learners import Networks
from tlesynth.autoencoder.learning.objective import Objective
from tlesynth.autoencoder.scans import Scans
from tlesynth.seeds import torch_generator
from tlesynth.training import Learner

CHECKPOINT_OF = {"score": "best", "paper_sum": "best-paper-sum"}
"""Where the weights that are best by a figure are kept."""


def validation_of(
    networks: Networks, learners: dict[str, Learner], scans: Scans, objective: Objective, fabric: Fabric, seed: int
) -> Callable[[], dict[str, float]]:
    """Means over held-out scans decoded from the posterior mean, by the averaged weights where they are averaged.

    ``score`` leaves the adversarial term out: against a discriminator that moves, it cannot be compared from round to
    round. ``paper_sum`` adds it, as the paper does, as soon as there is a discriminator that has learned.
    """
    network = networks.result
    noise = torch.zeros(1, *network.latent_shape, device=fabric.device)
    judges = [learner for learner in learners.values() if learner.network is networks.discriminator]

    def figures_of(row: int, participant_id: str) -> dict[str, Tensor]:
        x = scans.batch(np.array([row]), fabric.device)
        with fabric.autocast():
            made = network(x, noise)
            terms = objective.terms(x, made, [torch_generator(seed, "autoencoder", "validation", participant_id)])
            figures = {"score": objective.total(terms)} | terms
            if any(judge.steps for judge in judges):
                terms |= {"adversarial": objective.form.autoencoder(networks.discriminator(made.x_hat)[-1])}
        return figures | {"paper_sum": objective.total(terms)} | terms

    @torch.no_grad()
    def validate() -> dict[str, float]:
        rows = [figures_of(row, participant_id) for row, participant_id in enumerate(scans.ids)]
        return {name: float(torch.stack([row[name].float() for row in rows]).mean()) for name in rows[0]}

    return validate
