"""The copy detector: trained on nothing, calibrated on real scans of people that are not in the training set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tlesynth import durable
from tlesynth.data.cohort import Cohort
from tlesynth.data.resampling import on_work
from tlesynth.metrics.statistics import FEWEST, Json, proportion
from tlesynth.privacy.drawing import drawn
from tlesynth.privacy.likeness import Reference, reference_of, signature, standing_out, views
from tlesynth.privacy.planting import PLANTS
from tlesynth.progress import track
from tlesynth.recipe import Privacy
from tlesynth.seeds import generator
from tlesynth.volume import Grid

Floats = NDArray[np.float32]
LEAST_TRAINING = 6
"""Of fewer training scans none can stand out."""
VERSION = "2"
"""Of the signature, the score and what calibrates it; another one judges anew."""


@dataclass(frozen=True)
class Likeness:
    """The nearest training scan (its row), how it correlates, how far it stands out, and whether that is a copy."""

    nearest: int
    similarity: float
    score: float
    copy: bool


@dataclass(frozen=True)
class Detector:
    """Says of a volume whether it is a copy of a training scan."""

    reference: Reference
    threshold: float
    calibration: Json
    recall: Json
    fingerprint: str
    """Of the scans and settings that decide what is a copy."""

    def judge(self, volume: NDArray[np.floating], grid: Grid) -> Likeness:
        """How a volume (X, Y, Z) on ``grid`` stands to the training scans."""
        return self.judge_coarse(on_work(volume, grid))

    def judge_coarse(self, scan: Floats) -> Likeness:
        """The same of a scan on the 3 mm grid."""
        found = self.reference.similarities(views(scan))
        score = standing_out(found)
        return Likeness(int(found.argmax()), float(found.max()), score, score > self.threshold)


def detector_of(
    cohort: Cohort, training: list[str], held_out: list[str], settings: Privacy, seed: int
) -> Detector | str:
    """A detector of copies of ``training``, calibrated on ``held_out`` and training scans; or why there can be none.

    At most ``settings.calibrated`` scans calibrate it: held-out ones, then training scans, each against the others.
    Where there are more, and for the ``settings.planted`` copies, they are drawn by ``seed`` in the mix of all.
    """
    if len(training) < LEAST_TRAINING:
        return f"{len(training)} training scan{'s' * (len(training) != 1)}; at least {LEAST_TRAINING} are needed"
    scans = [on_work(cohort.volume(i), cohort.grid) for i in track(training, "reading training scans", len(training))]
    signatures = np.stack([signature(scan) for scan in scans])
    reference = reference_of(signatures)
    held_out = drawn(held_out, settings.calibrated, cohort.participants, seed, "calibrating")
    scores = [
        standing_out(reference.similarities(views(on_work(cohort.volume(i), cohort.grid))))
        for i in track(held_out, "calibrating the copy detector", len(held_out))
    ]
    turns = drawn(training, settings.calibrated - len(held_out), cohort.participants, seed, "left out in turn")
    scores += [_left_out(signatures, scans, training.index(turn)) for turn in turns]
    threshold, resolved = threshold_of(np.array(scores), settings.false_alarms)
    calibration: Json = {
        "scans": len(scores),
        "held_out": len(held_out),
        "training_left_out_in_turn": len(turns),
        "false_alarms_asked": settings.false_alarms,
        "false_alarms": resolved,
        "threshold": threshold,
    }
    stamps = [[i, *cohort.stamp(i)] for i in sorted((*training, *held_out))]
    fingerprint = durable.hash_of([VERSION, stamps, sorted(turns), settings.decisive.model_dump(mode="json")])
    blind = Detector(reference, threshold, calibration, {}, fingerprint)
    copied = drawn(training, settings.planted, cohort.participants, seed, "planted")
    recall = recalls(blind, [scans[training.index(i)] for i in copied], seed)
    return Detector(reference, threshold, calibration, recall, fingerprint)


def threshold_of(scores: NDArray[np.floating], false_alarms: float) -> tuple[float, float]:
    """The score that at most ``false_alarms`` of new people exceed, and the share that ``scores`` (n,) can promise.

    Of n + 1 exchangeable scores the new one is among the k largest with probability k / (n + 1) (split conformal
    prediction; Vovk 2005). With too few scores for ``false_alarms`` the threshold is their largest.
    """
    k = max(int(false_alarms * (len(scores) + 1) + 1e-9), 1)
    return float(np.sort(scores)[-k]), k / (len(scores) + 1)


def recalls(detector: Detector, scans: list[Floats], seed: int, confidence: float = 0.95) -> Json:
    """The share of planted copies of each kind that ``detector`` finds, with its exact interval."""
    if len(scans) < FEWEST:
        return {}
    found = {kind: 0 for kind in PLANTS}
    for kind, planted in _planted(scans, seed):
        found[kind] += detector.judge_coarse(planted).copy
    return {kind: proportion(hits, len(scans), confidence) for kind, hits in found.items()}


def _planted(scans: list[Floats], seed: int) -> Iterator[tuple[str, Floats]]:
    pairs = [(kind, at) for kind in PLANTS for at in range(len(scans))]
    for kind, at in track(pairs, "planting copies", len(pairs)):
        random = generator(seed, "planted copy", kind, at)
        yield kind, PLANTS[kind](scans[at], scans[(at + 1) % len(scans)], random)


def _left_out(signatures: Floats, scans: list[Floats], turn: int) -> float:
    """The score of one training scan against all others."""
    others = reference_of(np.delete(signatures, turn, axis=0))
    return standing_out(others.similarities(views(scans[turn])))
