"""Uncertainty over subjects, splits and seeds at once: the same draws for every arm, so that differences are paired.

In each draw the subjects are drawn anew within their class, the splits among themselves, and the seeds within each
drawn split. A figure of a draw is the mean over its trainings of that figure on its subjects; row 0 is the data as
they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tlesynth.augment_study.verdicts import Flags, Floats, Subjects, Verdicts
from tlesynth.metrics import calibration, weighted
from tlesynth.metrics.statistics import Resampling

SPECIFICITY = 0.9
CALLS = ("accuracy", "precision", "recall", "specificity", "f1")
"""Figures of a training's calls, by its own threshold."""
FIGURES = (
    *CALLS,
    "auc_roc",
    "aucpr",
    "brier",
    "ece",
    "calibration_slope",
    "calibration_intercept",
    "sensitivity_at_90",
)
"""Every figure of an arm, in the ledger's order."""
RANKING = ("auc_roc",)


@dataclass(frozen=True, eq=False)
class Draws:
    """How often each subject (1 + B, N) and each training (by split and seed: (1 + B,)) was drawn."""

    subjects: Floats
    trainings: dict[tuple[str, int], Floats]

    def among(self, chosen: Flags) -> Draws:
        """The same draws of the ``chosen`` (N,) subjects alone."""
        return Draws(self.subjects * chosen, self.trainings)


def draw(subjects: Subjects, trainings: Iterable[tuple[str, int]], how: Resampling) -> Draws:
    """Draw subjects within their class, splits, and seeds within splits."""
    trainings, size, rng = sorted(set(trainings)), how.resamples, how.generator
    people = np.ones((1 + size, len(subjects)))
    for rows in (np.flatnonzero(~subjects.positive), np.flatnonzero(subjects.positive)):
        people[1:, rows] = rng.multinomial(len(rows), np.full(len(rows), 1 / max(len(rows), 1)), size)
    splits = sorted({split for split, _ in trainings})
    drawn = rng.multinomial(len(splits), np.full(len(splits), 1 / len(splits)), size)  # (B, splits)
    weights: dict[tuple[str, int], Floats] = {}
    for place, split in enumerate(splits):
        seeds = [seed for name, seed in trainings if name == split]
        # A split that was drawn twice has its seeds drawn twice.
        within = rng.multinomial(drawn[:, place] * len(seeds), np.full(len(seeds), 1 / len(seeds)))
        for column, seed in enumerate(seeds):
            weights[split, seed] = np.concatenate([[1.0], within[:, column]])
    return Draws(people, weights)


def figures(
    verdicts: Iterable[Verdicts], subjects: Subjects, draws: Draws, wanted: tuple[str, ...] = FIGURES
) -> dict[str, Floats]:
    """Each figure of one arm in every draw, (1 + B,); NaN where a draw cannot give it."""
    total = {name: np.zeros(len(draws.subjects)) for name in wanted}
    weight = {name: np.zeros(len(draws.subjects)) for name in wanted}
    for one in verdicts:
        here = draws.trainings[one.split, one.seed]
        for name, values in _of_training(one, subjects, draws, wanted).items():
            known = np.isfinite(values)
            total[name] += np.where(known, here * np.nan_to_num(values), 0.0)
            weight[name] += here * known
    return {name: weighted.share(total[name], weight[name]) for name in wanted}


def _of_training(one: Verdicts, subjects: Subjects, draws: Draws, wanted: tuple[str, ...]) -> dict[str, Floats]:
    w, positive, p = draws.subjects[:, one.rows], subjects.positive[one.rows], one.probability
    asked, found = set(wanted), {"auc_roc": weighted.auc(p, positive, w)}
    if asked & set(CALLS):
        found |= weighted.confusion(one.called, positive, w)
    if not asked <= found.keys():
        slope, intercept = calibration.slope_and_intercept(p, positive, w)
        found |= {
            "aucpr": weighted.average_precision(p, positive, w),
            "brier": calibration.brier(p, positive, w),
            "ece": calibration.expected_error(p, positive, w),
            "calibration_slope": slope,
            "calibration_intercept": intercept,
            "sensitivity_at_90": weighted.sensitivity_at(SPECIFICITY, p, positive, w),
        }
    return {name: found[name] for name in wanted}
