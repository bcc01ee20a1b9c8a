"""Does a drawn cohort, taken whole, lie nearer to the training scans than to people whom no model saw?

The detector looks at one volume after the other, for the fine structure of one training scan. A network too small to
repeat that, overfitted on a few people, copies nobody and yet draws all its volumes near the few. Only the cohort as a
whole shows it, beside as many scans that were held out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tlesynth.data.cohort import Cohort
from tlesynth.data.resampling import on_work
from tlesynth.metrics.statistics import LEAST_SET, Json, Resampling, not_computed
from tlesynth.privacy.drawing import drawn_alike
from tlesynth.privacy.likeness import signature
from tlesynth.privacy.neighbours import correlation_distances, nearness
from tlesynth.progress import track
from tlesynth.seeds import generator
from tlesynth.volume import Grid

Floats = NDArray[np.floating]
RESAMPLES, CONFIDENCE = 5000, 0.95


@dataclass(frozen=True)
class Company:
    """Training and held-out scans of ``cohort``, alike in groups and sites, that a drawn cohort is held against."""

    cohort: Cohort
    trained: list[str]
    held_out: list[str]
    seed: int

    def closeness(self, volumes: Iterable[Floats], grid: Grid, n: int) -> Json:
        """Of ``n`` drawn volumes (X, Y, Z) on ``grid``: the share nearer to a training than to a held-out scan.

        By 1 - correlation of signatures, less the real scans' mean; a volume counts as it is and mirrored. See
        ``nearness``. Sets below ``LEAST_SET`` say ``not_computed``.
        """
        trained, held_out = len(self.trained), len(self.held_out)
        if min(n, trained, held_out) < LEAST_SET:
            there = f"{n} drawn, {trained} training and {held_out} held-out scans"
            return not_computed(
                f"{there}; at least {LEAST_SET} of each are needed, of groups and sites that both sides have"
            )
        real = self._signatures()
        mean = real.mean(axis=0)
        distances = np.array([_distances(v, grid, real, mean) for v in track(volumes, "holding against real scans", n)])
        how = Resampling(RESAMPLES, CONFIDENCE, generator(self.seed, "closeness"))
        found = nearness(distances[:, :trained], distances[:, trained:], 1, how)
        kept = ("share", "p", "compared_with", "caveat")
        return {name: found[name] for name in kept} | {
            "training_scans": trained,
            "held_out_scans": held_out,
            "confidence": CONFIDENCE,
        }

    def _signatures(self) -> Floats:
        ids = [*self.trained, *self.held_out]
        reading = track(ids, "reading real scans", len(ids))
        return np.stack([signature(on_work(self.cohort.volume(i), self.cohort.grid)) for i in reading])


def company_of(cohort: Cohort, training: list[str], held_out: list[str], seed: int) -> Company:
    """All training and held-out scans that can be compared: of one mix of groups, at sites that both have."""
    most = len(training) + len(held_out)
    return Company(cohort, *drawn_alike(training, held_out, most, cohort.participants, seed, "closeness"), seed)


def _distances(volume: Floats, grid: Grid, real: Floats, mean: Floats) -> Floats:
    """The distance (N,) of a volume to each of ``real`` (N, D), the nearer of itself and its mirror image."""
    scan = on_work(volume, grid)
    both = np.stack([signature(scan), signature(scan[::-1])])
    return correlation_distances(both - mean, real - mean).min(axis=0)
