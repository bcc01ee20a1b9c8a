"""How a classifier is trained, apart from the scans: what all arms of a comparison share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tlesynth.classifier.model import Scorer
from tlesynth.recipe import Classifier


@dataclass(frozen=True)
class Fitting:
    """Settings (kind and task among them), gradient steps, seed, and where it computes.

    Steps, not epochs: an arm with more scans would otherwise also get more updates, and what looks like the worth of
    synthetic data would be the worth of longer training. The kind ``volumes`` takes none.
    """

    settings: Classifier
    steps: int
    restart: int
    """Steps of the first period of the paper's cosine; each is twice as long as the one before."""
    seed: int
    device: str = "cpu"
    precision: str = "32-true"

    @property
    def identity(self) -> dict[str, Any]:
        """What determines the weights, apart from the scans."""
        settings = self.settings.model_dump(mode="json", exclude={"arms", "epochs"})
        return {"classifier": settings, "seed": self.seed, "steps": self.steps, "restart": self.restart}


def fitting_for(settings: Classifier, n_real: int, *, seed: int, device: str, precision: str) -> Fitting:
    """The same for every arm: epochs are counted on the ``n_real`` scans of the real training set."""
    per_epoch = -(-n_real // settings.scans_a_step)
    steps = settings.steps or settings.epochs * per_epoch
    return Fitting(settings, steps, settings.restart_epochs * per_epoch, seed, device, precision)


@dataclass(frozen=True, eq=False)
class Fitted:
    """What a training gives."""

    scorer: Scorer
    logits: NDArray[np.float64]
    """Of the validation scans, (N,)."""
    best_step: int
    """The step whose weights it has; 0 for a kind that takes none."""
    cost: dict[str, float]
    """Figures for done.json."""
