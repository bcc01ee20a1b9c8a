"""One trained classifier, or several of one task that judge together, and what they say of a scan."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tlesynth.classifier.calibration import intervals
from tlesynth.classifier.model import TrainedClassifier, load
from tlesynth.classifier.prediction_folder import model_in
from tlesynth.classifier.scan_set import CLASSES
from tlesynth.errors import fail
from tlesynth.volume import GRIDS, Grid


@dataclass(frozen=True)
class Opinion:
    """What is said of a scan: the probability of the positive class with its interval, and how unlike the training
    scans it is (1 and more is flagged)."""

    probability: float
    low: float
    high: float
    called: str
    distance: float

    @property
    def out_of_distribution(self) -> bool:
        """Whether the scan lies farther from the training scans than those of validation do."""
        return self.distance > 1


@dataclass(frozen=True, eq=False)
class Jury:
    """Classifiers of one task on one grid; their probabilities are averaged."""

    members: tuple[TrainedClassifier, ...]

    @property
    def grid(self) -> Grid:
        """The grid they read."""
        return GRIDS[self.members[0].config.grid]

    @property
    def classes(self) -> tuple[str, str]:
        """The words for a probability of 0 and of 1."""
        return CLASSES[self.members[0].config.settings.task]

    @property
    def threshold(self) -> float:
        """The probability from which a scan is called positive: the mean of those that val gave them."""
        return float(np.mean([member.config.youden_threshold for member in self.members]))

    def opinion(self, volume: NDArray[np.floating]) -> Opinion:
        """What they say of a volume (X, Y, Z) on [0, 1].

        Raises:
            TlesynthError: NII-030 if it is not on their grid.
        """
        logits = [member.logits(volume[None], self.grid) for member in self.members]
        pairs = list(zip(self.members, logits, strict=True))
        probability = np.mean([member.calibration.probabilities(z) for member, z in pairs], axis=0)
        drawn = np.concatenate([member.calibration.drawn(z) for member, z in pairs])
        low, high = intervals(probability, drawn)[0]
        distance = np.mean([m.novelty.distances(volume[None])[0] / m.novelty.threshold for m in self.members])
        called = self.classes[int(probability[0] >= self.threshold)]
        return Opinion(float(probability[0]), float(low), float(high), called, float(distance))

    def attribution(self, volume: NDArray[np.floating]) -> NDArray[np.float32]:
        """What each place of a volume (X, Y, Z) adds to the mean logit, per unit of each member's temperature."""
        maps = [m.scorer.attribution(volume, m.average) / m.calibration.temperature for m in self.members]
        return np.asarray(np.mean(maps, axis=0), np.float32)


def jury_of(folders: list[Path], device: str = "cpu") -> Jury:
    """Load model folders, or the folders of training runs that hold one.

    Raises:
        TlesynthError: MOD-004 if one holds no classifier or is damaged, CFG-003 if they have several tasks or grids,
            CFG-002 or RES-010 if there is no such device.
    """
    members = tuple(load(model_in(Path(folder)), device) for folder in folders)
    kinds = {(member.config.settings.task, member.config.grid_fingerprint) for member in members}
    if len(kinds) > 1:
        raise fail("CFG-003", "classifiers", "they have different tasks or grids, so they cannot judge together")
    return Jury(members)
