import functools
import itertools

import numpy as np
import pytest
from scipy import stats

from tlesynth.metrics.statistics import clopper_pearson
from tlesynth.reader_study.detection import (
    Counts,
    balanced_accuracy,
    detection,
    difference,
    papers_statistic,
    sensitivity,
)


@pytest.mark.parametrize(
    ("alarms", "d_prime", "area"),
    [(0, 1.53, 0.86), (2, 0.76, 0.70), (4, 0.39, 0.61), (7, 0.0, 0.5), (12, -0.52, 0.36), (17, -1.05, 0.23)],
)
def test_7_of_24_found_means_anything_by_the_false_alarms(alarms: int, d_prime: float, area: float) -> None:
    found = sensitivity(Counts(7, 24, alarms, 24))
    assert found.d_prime == pytest.approx(d_prime, abs=0.005) and found.implied_auc == pytest.approx(area, abs=0.005)


def test_a_reader_who_calls_everything_real_or_everything_synthetic_has_no_sensitivity_but_a_criterion() -> None:
    never, always = sensitivity(Counts(0, 24, 0, 24)), sensitivity(Counts(24, 24, 24, 24))
    assert never.d_prime == always.d_prime == 0
    assert never.criterion == pytest.approx(-always.criterion) and never.criterion > 2


def test_a_reader_without_inclination_has_the_criterion_0_and_nothing_beside_it() -> None:
    found = [sensitivity(Counts(hits, 24, 24 - hits, 24)).criterion for hits in range(25)]
    assert found == [0.0] * 25 and all(str(c) == "0.0" for c in found)


def test_the_criterion_moves_with_inclination_and_d_prime_does_not() -> None:
    n = 100_000
    for shift in (-0.5, 0.0, 0.7):
        hits, alarms = (int(n * stats.norm.sf(shift - mean)) for mean in (0.5, -0.5))
        found = sensitivity(Counts(hits, n, alarms, n))
        assert found.d_prime == pytest.approx(1, abs=0.01) and found.criterion == pytest.approx(shift, abs=0.01)


def test_the_error_of_d_prime_is_the_spread_of_simulated_readers() -> None:
    draw = np.random.default_rng(0)
    found = [sensitivity(Counts(draw.binomial(60, 0.7), 60, draw.binomial(60, 0.4), 60)).d_prime for _ in range(1000)]
    assert sensitivity(Counts(42, 60, 24, 60)).error == pytest.approx(np.std(found), rel=0.1)


def test_rates_have_exact_intervals() -> None:
    found = detection(Counts(7, 24, 4, 24), 0.95)
    assert (found["hit_rate"]["low"], found["hit_rate"]["high"]) == pytest.approx((0.126, 0.511), abs=5e-4)
    assert found["false_alarm_rate"]["value"] == pytest.approx(4 / 24, abs=1e-6)
    assert found["balanced_accuracy"]["value"] == pytest.approx((7 / 24 + 20 / 24) / 2, abs=1e-6)
    assert "not_computed" in detection(Counts(1, 2, 0, 24), 0.95)


def test_joined_intervals_hold_the_truth_as_often_as_they_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tlesynth.reader_study.detection.clopper_pearson", functools.cache(clopper_pearson))
    held = np.zeros(2)
    for hits, right in itertools.product(range(25), repeat=2):
        both = balanced_accuracy(Counts(hits, 24, 24 - right, 24), 0.95)
        apart = difference((hits, 24), (right, 24), 0.95)
        chance = stats.binom.pmf(hits, 24, 0.6) * stats.binom.pmf(right, 24, 0.7)
        held += chance * np.array([both.low <= 0.65 <= both.high, apart.low <= -0.1 <= apart.high])
    assert (held >= 0.95).all() and (held < 0.99).all()


def test_a_difference_of_equal_shares_is_symmetric() -> None:
    found = difference((12, 24), (12, 24), 0.95)
    assert found.value == 0 and found.low == pytest.approx(-found.high)
    assert found.high < 2 * (clopper_pearson(12, 24).high - 0.5)


def test_the_papers_statistic_is_printed_with_its_interval() -> None:
    found = papers_statistic(0.95)
    assert (found["rate"]["low"], found["rate"]["high"]) == pytest.approx((0.126, 0.511), abs=5e-4)
    assert found["p_against_half"] == pytest.approx(0.064, abs=5e-4)
    assert [row["false_alarms"] for row in found["would_be"]] == [0, 2, 4, 7, 12, 17]
