"""What a study of a given size can show, told before it begins: exact where counts allow it.

Source: variance of an AUC without its data, Hanley and McNeil, Radiology 1982.
"""

from __future__ import annotations

import numpy as np
from scipy import optimize, stats

from tlesynth.metrics.statistics import Json, clopper_pearson, rounded
from tlesynth.reader_study.study import Design

CONFIDENCE, POWER = 0.95, 0.8
MARGIN = 0.1
"""An AUC or a share of right choices within 0.5 -+ this counts as chance, if its whole interval lies there."""
MOST = 20_000


def power_of(design: Design, n: int, readers: int) -> Json:
    """What ``n`` questions to each of ``readers`` readers can show, as JSON."""
    if design == "2afc":
        return _pairs(n)
    if design == "yes-no":
        return _ratings(n, readers)
    half = float(stats.norm.ppf(0.5 + CONFIDENCE / 2)) * np.sqrt(2 * 0.8 * 0.2 / (n / 2))
    reach = float(stats.norm.ppf(POWER)) / float(stats.norm.ppf(0.5 + CONFIDENCE / 2)) * half
    return {"difference_half_width": rounded(half), "smallest_difference": rounded(half + reach)}


def words(design: Design, n: int, found: Json) -> list[str]:
    """The same as lines for a person."""
    if design == "diagnosis":
        return [
            f"{n // 2} synthetic against {n // 2} real scans, one reader who is right in 80 % of both: the interval of "
            f"the difference is -+{found['difference_half_width']:.2f}; the smallest difference found with 80 % power "
            f"is {found['smallest_difference']:.2f}"
        ]
    low, high = found["at_chance"]["low"], found["at_chance"]["high"]
    inside = low > 0.5 - MARGIN and high < 0.5 + MARGIN
    what = "share of right choices" if design == "2afc" else "AUC"
    lines = [
        f"one reader who guesses: the 95 % interval of the {what} is {low:.3f} to {high:.3f}; the study "
        f"{'can' if inside else 'CANNOT'} show chance, which needs it inside {0.5 - MARGIN:.2f} to {0.5 + MARGIN:.2f}",
        f"the smallest {what} of one reader told from 0.5 with 80 % power: {found['smallest']:.2f}",
    ]
    if design == "2afc":
        more = f"{found['pairs_inside']} pairs may show chance, {found['pairs_for_power']} do with 80 % power"
        return [*lines, f"chance shown if it is so: in {100 * found['equivalence_power']:.0f} % of studies; {more}"]
    return [*lines, f"scans for such an interval from one reader: {found['scans_inside']}; several readers need fewer"]


def hanley_mcneil(area: float, n1: int, n0: int) -> float:
    """Standard error of an AUC of ``area`` from ``n1`` synthetic and ``n0`` real scans."""
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    inner = area * (1 - area) + (n1 - 1) * (q1 - area**2) + (n0 - 1) * (q2 - area**2)
    return float(np.sqrt(inner / (n1 * n0)))


def equivalence_power(n: int) -> float:
    """The chance that guessing in ``n`` pairs gives an exact interval inside the margin."""
    least = _least_count(n)
    if 2 * least > n:
        return 0.0
    return float(stats.binom.cdf(n - least, n, 0.5) - stats.binom.cdf(least - 1, n, 0.5))


def smallest_share(n: int) -> float:
    """The smallest share of right choices that an exact test of ``n`` tells from a half with the power asked for."""
    critical = int(stats.binom.ppf(1 - (1 - CONFIDENCE) / 2, n, 0.5)) + 1
    if critical > n:
        return 1.0
    return float(optimize.brentq(lambda p: stats.binom.sf(critical - 1, n, p) - POWER, 0.5, 1.0))


def _least_count(n: int) -> int:
    """The fewest right choices whose exact interval stays above the margin's lower end; it is symmetric."""
    return int(stats.binom.ppf(1 - (1 - CONFIDENCE) / 2, n, 0.5 - MARGIN)) + 1


def _pairs(n: int) -> Json:
    return {
        "at_chance": clopper_pearson(n // 2, n, CONFIDENCE).as_json(),
        "smallest": rounded(smallest_share(n)),
        "equivalence_power": rounded(equivalence_power(n)),
        "pairs_inside": next(m for m in range(2, MOST, 2) if 2 * _least_count(m) <= m),
        "pairs_for_power": next(m for m in range(2, MOST, 2) if equivalence_power(m) >= POWER),
    }


def _ratings(n: int, readers: int) -> Json:
    z, half = float(stats.norm.ppf(0.5 + CONFIDENCE / 2)), n // 2
    error = z * hanley_mcneil(0.5, half, half)

    def gap(area: float) -> float:
        return area - 0.5 - error - float(stats.norm.ppf(POWER)) * hanley_mcneil(area, half, half)

    return {
        "at_chance": {
            "value": 0.5,
            "low": rounded(max(0.0, 0.5 - error)),
            "high": rounded(min(1.0, 0.5 + error)),
            "n": n,
        },
        "smallest": rounded(optimize.brentq(gap, 0.5, 1.0)) if gap(1.0) > 0 else 1.0,
        "scans_inside": next(m for m in range(4, MOST, 2) if z * hanley_mcneil(0.5, m // 2, m // 2) < MARGIN),
        "readers": readers,
    }
