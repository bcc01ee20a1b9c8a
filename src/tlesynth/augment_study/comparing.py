"""One arm against another on the same test scans: the paired difference by four methods, and what could be seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tlesynth.augment_study.resampling import Draws, figures
from tlesynth.augment_study.verdicts import Floats, Subjects, Verdicts, averaged
from tlesynth.metrics.paired import bootstrap_p, delong_json, detectable, mcnemar, resampled_t
from tlesynth.metrics.statistics import Json, Resampling, drawn_interval, not_computed, rounded, spread_interval

DIFFERENCES = ("auc_roc", "aucpr", "accuracy", "sensitivity_at_90", "brier")
"""Figures whose differences are given; of Brier's score less is better."""


@dataclass(frozen=True, eq=False)
class Arm:
    """An arm's trainings and its figures in every draw."""

    verdicts: tuple[Verdicts, ...]
    drawn: dict[str, Floats]


def arm_of(verdicts: tuple[Verdicts, ...], subjects: Subjects, draws: Draws) -> Arm:
    """An arm with its figures."""
    return Arm(verdicts, figures(verdicts, subjects, draws))


def arm_figures(arm: Arm, n: int, how: Resampling) -> Json:
    """Every figure of an arm as an interval over subjects, splits and seeds.

    The calibration error grows where scans are drawn twice, so that its draws tell the spread and not the place.
    """
    found = {name: interval(values, n, how) for name, values in arm.drawn.items()}
    error = arm.drawn["ece"]
    if np.isfinite(error[0]):
        found["ece"] = spread_interval(float(error[0]), error[np.isfinite(error)][1:], n, how)
    return found


def compare(other: Arm, base: Arm, subjects: Subjects, how: Resampling, *, n_pool: int, power: float) -> Json:
    """``other`` minus ``base``: intervals of five figures, and four tests of the ranking or the calls.

    Each split's test scans were drawn from ``n_pool``, which the t-test over splits asks for.
    """
    gains = {name: other.drawn[name] - base.drawn[name] for name in DIFFERENCES}
    n = len(np.unique(np.concatenate([one.rows for one in base.verdicts])))
    found: Json = {name: interval(values, n, how) for name, values in gains.items()}
    found["bootstrap_p"] = rounded(bootstrap_p(gains["auc_roc"][1:]))
    found |= _tests(other.verdicts, base.verdicts, subjects, how)
    by_split, n_test = _by_split(other.verdicts, base.verdicts, subjects)
    found["resampled_t"] = resampled_t(by_split, n_test, n_pool)
    found["power"] = power_of(gains["auc_roc"], how, power)
    return found


def power_of(gain: Floats, how: Resampling, power: float) -> Json:
    """The standard error of an AUC's difference (1 + B,), and the smallest true one found with ``power``."""
    error = float(np.nanstd(gain[1:], ddof=1))
    least = detectable(error, how.confidence, power)
    return {"error": rounded(error), "power": power, "detectable": rounded(least)}


def interval(values: Floats, n: int, how: Resampling) -> Json:
    """Row 0 with the percentiles of the draws."""
    return drawn_interval(values, n, how, "too few scans of a class, or no errors to fit a curve to")


def _tests(other: Sequence[Verdicts], base: Sequence[Verdicts], subjects: Subjects, how: Resampling) -> Json:
    """DeLong's test and McNemar's on one score and one call for each subject: its trainings' mean and majority.

    Where half of an even number of trainings call a subject positive, it counts as called.
    """
    one, two = averaged(other, subjects), averaged(base, subjects)
    if not np.array_equal(one.rows, two.rows):
        return {"delong": not_computed("the two arms judged different scans")}
    positive = subjects.positive[one.rows]
    return {
        "delong": delong_json(one.probability, two.probability, positive, how.confidence),
        "mcnemar": mcnemar(one.called == positive, two.called == positive),
    }


def _by_split(other: Sequence[Verdicts], base: Sequence[Verdicts], subjects: Subjects) -> tuple[list[float], float]:
    """The mean difference over seeds in each split, and how many scans a split tests."""
    names = sorted({one.split for one in base})
    whole = np.ones((1, len(subjects)))
    differences = []
    for name in names:
        means = []
        for arm in (other, base):
            here = [one for one in arm if one.split == name]
            once = Draws(whole, {(one.split, one.seed): np.ones(1) for one in here})
            means.append(float(figures(here, subjects, once, ("auc_roc",))["auc_roc"][0]))
        differences.append(means[0] - means[1])
    return [d for d in differences if np.isfinite(d)], float(np.mean([len(one.rows) for one in base]))
