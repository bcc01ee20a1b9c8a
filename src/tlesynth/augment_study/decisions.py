"""Of what use would the study's classifiers be? Reliability, net benefit and predictive values, with intervals.

Figures are means over an arm's trainings as all others of the ledger are, and share their draws; probabilities are
scaled by the temperature of validation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from tlesynth.augment_study.comparing import interval
from tlesynth.augment_study.resampling import Draws
from tlesynth.augment_study.verdicts import Flags, Floats, Subjects, Verdicts
from tlesynth.metrics import decision, weighted
from tlesynth.metrics.statistics import Json, Resampling, rounded

T = np.array(decision.THRESHOLDS)
CUTS = ("chosen", "half")
"""Calls by the threshold that validation chose for each training, and by 0.5."""


def decisions(arms: Mapping[str, tuple[Verdicts, ...]], subjects: Subjects, draws: Draws, how: Resampling) -> Json:
    """What the report draws of each of ``arms``, and acting on everybody beside it."""
    judged = np.concatenate([one.rows for verdicts in arms.values() for one in verdicts])
    prevalence = float(np.mean(subjects.positive[judged]))
    return {
        "prevalence": rounded(prevalence),
        "thresholds": list(decision.THRESHOLDS),
        "treat_all": [rounded(float(v)) for v in decision.treat_all(prevalence, T)],
        "prevalences": list(decision.PREVALENCES),
        "arms": {name: _of_arm(verdicts, subjects, draws, how) for name, verdicts in arms.items()},
    }


def _of_arm(verdicts: tuple[Verdicts, ...], subjects: Subjects, draws: Draws, how: Resampling) -> Json:
    n = len(np.unique(np.concatenate([one.rows for one in verdicts])))
    benefit = _mean(verdicts, draws, [_benefits(one, subjects, draws) for one in verdicts])
    return {
        "reliability": _reliability(verdicts, subjects, draws, how),
        "net_benefit": [interval(values, n, how) for values in benefit.T],
        "at": {cut: _at(cut, verdicts, subjects, draws, how, n) for cut in CUTS},
    }


def _reliability(verdicts: tuple[Verdicts, ...], subjects: Subjects, draws: Draws, how: Resampling) -> list[Json]:
    """From the lowest probabilities to the highest: their mean, and the share of patients with its interval.

    All trainings' verdicts lie in the same bins, so that a point holds as many people as there are to hold.
    """
    people = min(len(one.rows) for one in verdicts)
    edges = decision.edges_of(np.concatenate([one.probability for one in verdicts]), people)
    sums = np.zeros((3, len(draws.subjects), len(edges) + 1))
    for one in verdicts:
        weights = draws.subjects[:, one.rows] * draws.trainings[one.split, one.seed][:, None]
        sums += np.stack(decision.bin_sums(one.probability, subjects.positive[one.rows], weights, edges))
    n, predicted, observed = sums
    places, found = weighted.share(predicted[0], n[0]), weighted.share(observed, n)
    sizes = np.round(n[0] / len(verdicts)).astype(int)
    return [
        {"predicted": rounded(float(place)), "observed": interval(values, int(size), how)}
        for place, values, size in zip(places, found.T, sizes, strict=True)
    ]


def _benefits(one: Verdicts, subjects: Subjects, draws: Draws) -> Floats:
    weights = draws.subjects[:, one.rows]
    return decision.net_benefit(one.probability, subjects.positive[one.rows], weights, T)


def _at(cut: str, verdicts: tuple[Verdicts, ...], subjects: Subjects, draws: Draws, how: Resampling, n: int) -> Json:
    """Sensitivity, specificity and accuracy at a threshold, and what a call would mean at each prevalence."""
    shares = [_shares(one, _called(one, cut), subjects.positive[one.rows], draws) for one in verdicts]
    accuracy, sensitivity, specificity = _mean(verdicts, draws, shares).T
    told = {"accuracy": accuracy, "sensitivity": sensitivity, "specificity": specificity}
    found: Json = {name: interval(values, n, how) for name, values in told.items()}
    for name, place in (("ppv", 0), ("npv", 1)):
        values = [decision.predictive_values(sensitivity, specificity, p)[place] for p in decision.PREVALENCES]
        found[name] = [interval(drawn, n, how) for drawn in values]
    return found


def _called(one: Verdicts, cut: str) -> Flags:
    return one.called if cut == "chosen" else one.probability >= 0.5


def _shares(one: Verdicts, called: Flags, positive: Flags, draws: Draws) -> Floats:
    found = weighted.confusion(called, positive, draws.subjects[:, one.rows])
    return np.stack([found[name] for name in ("accuracy", "recall", "specificity")], axis=1)  # (1 + B, 3)


def _mean(verdicts: Iterable[Verdicts], draws: Draws, figures: Iterable[Floats]) -> Floats:
    """Figures (1 + B, K) of each training, averaged as often as it was drawn; what is no number is left out."""
    total, weight = 0.0, 0.0
    for one, values in zip(verdicts, figures, strict=True):
        here, known = draws.trainings[one.split, one.seed][:, None], np.isfinite(values)
        total = total + here * np.where(known, values, 0.0)
        weight = weight + here * known
    return weighted.share(np.asarray(total), np.asarray(weight))
