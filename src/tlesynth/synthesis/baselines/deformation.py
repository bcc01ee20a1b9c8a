"""Training scans, bent: the classical augmentation as a generator. Every scan it gives is a copy of a patient's.

It shows what realism and class are worth without privacy: the audit must catch it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from tlesynth.data.cohort import Cohort
from tlesynth.data.deformation import exponential, random_field, sample
from tlesynth.errors import fail
from tlesynth.synthesis.baselines.origin import origin, seed_for
from tlesynth.synthesis.requests import Subject
from tlesynth.volume import GRIDS, Grid

COARSE = GRIDS["mni-3mm"]
SMOOTH_MM, RMS_MM = 15.0, 2.0
"""Width of the Gaussian field that bends a scan, and how far it moves a voxel: healthy variation keeps its size."""
GAIN = 0.05
"""Standard deviation of the factor on intensities."""


@dataclass(frozen=True)
class Deformation:
    """Takes a training scan whose table row agrees with what is asked for, and bends it."""

    cohort: Cohort
    training: pd.DataFrame
    """Rows of the cohort's participants that may be taken."""
    seed: int
    batch_size: int = 1

    @property
    def grid(self) -> Grid:
        """The grid of its volumes."""
        return self.cohort.grid

    def volumes(self, subjects: list[Subject], attempt: int) -> Iterator[np.ndarray]:
        """The volume (X, Y, Z) of each of ``subjects``."""
        for subject in subjects:
            random = np.random.default_rng(seed_for("deformation", self.seed, subject, attempt))
            scan = self.cohort.volume(self._source(subject, random))
            yield bent(scan, self.grid, random) * np.float32(1 + GAIN * random.standard_normal())

    def sidecar(self, subject: Subject, attempt: int) -> dict[str, Any]:
        """What a scan says about its origin; not whose it is."""
        return origin("deformation", self.seed, subject, attempt)

    def _source(self, subject: Subject, random: np.random.Generator) -> str:
        wanted = {name: value for name, value in subject.asked.items() if name in ("group", "side")}
        fit = self.training[(self.training[list(wanted)].astype(str) == pd.Series(wanted)).all(axis=1)]
        if fit.empty:
            raise fail("CFG-011", "baseline", f"no training scan has {' '.join(wanted.values())}")
        return str(fit.index[random.integers(len(fit))])


def bent(scan: NDArray[np.floating], grid: Grid, random: np.random.Generator) -> NDArray[np.float32]:
    """``scan`` (X, Y, Z) moved by a smooth random flow, without folds."""
    field = exponential(random_field(random, COARSE, sigma=SMOOTH_MM, amplitude=RMS_MM), COARSE)
    world = grid.world()
    places = (world + sample(field, COARSE, world) - np.reshape(grid.origin, (3, 1, 1, 1))) / grid.spacing
    return ndimage.map_coordinates(np.asarray(scan, np.float32), places, order=1, mode="constant")
