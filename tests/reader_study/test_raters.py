import numpy as np
import pytest
from statsmodels.stats.inter_rater import fleiss_kappa

from tlesynth.metrics.statistics import Resampling
from tlesynth.reader_study.raters import agreement, counts_of, fleiss, gwet, raw

HOW = Resampling(200, 0.95, np.random.default_rng(0))
FLEISS_1971 = np.array(
    [
        [0, 0, 0, 0, 14],
        [0, 2, 6, 4, 2],
        [0, 0, 3, 5, 6],
        [0, 3, 9, 2, 0],
        [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0],
        [3, 2, 6, 3, 0],
        [2, 5, 3, 2, 2],
        [6, 5, 2, 1, 0],
        [0, 2, 2, 3, 7],
    ],
    float,
)
"""The worked example with 14 raters, ten subjects and five categories; kappa is 0.210."""


def test_fleiss_kappa_of_the_worked_example() -> None:
    assert fleiss(FLEISS_1971) == pytest.approx(0.210, abs=5e-4)
    assert fleiss(FLEISS_1971) == pytest.approx(fleiss_kappa(FLEISS_1971))
    assert raw(FLEISS_1971) == pytest.approx(0.378, abs=5e-4)


def test_gwets_coefficient_survives_where_kappa_collapses() -> None:
    # Two raters, 125 items: 118 + 2 agreements, 5 disagreements, nearly all of one kind (Gwet 2008's paradox).
    counts = np.array([[2, 0]] * 118 + [[1, 1]] * 7, float)
    share = 243 / 250
    chance = 2 * share * (1 - share)
    assert raw(counts) == pytest.approx(118 / 125)
    assert gwet(counts) == pytest.approx((118 / 125 - chance) / (1 - chance)) and gwet(counts) > 0.93
    assert fleiss(counts) < 0


def test_full_agreement_is_1_and_random_answers_give_0() -> None:
    draw = np.random.default_rng(1)
    same = np.array([[3, 0], [0, 3], [3, 0], [0, 3]], float)
    assert gwet(same) == fleiss(same) == 1
    votes = draw.integers(0, 2, (4000, 3))
    random = np.column_stack([(votes == 0).sum(axis=1), (votes == 1).sum(axis=1)]).astype(float)
    assert abs(gwet(random)) < 0.03 and abs(fleiss(random)) < 0.03


def test_answers_are_counted_and_items_seen_once_are_left_out() -> None:
    counts = counts_of([["a", "b"], ["a", "a"], ["b"], ["b", "b"], ["a", "b"]], ("a", "b"))
    assert counts.tolist() == [[1, 1], [2, 0], [0, 1], [0, 2], [1, 1]]
    found = agreement(counts, HOW)
    assert found["agreement"]["value"] == 0.5 and found["agreement"]["n"] == 4
    assert found["gwet_ac1"]["low"] <= found["gwet_ac1"]["value"] <= found["gwet_ac1"]["high"]


def test_what_cannot_be_measured_says_so() -> None:
    assert "not_computed" in agreement(counts_of([["a", "a"]] * 5, ("a", "b")), HOW)
    assert "not_computed" in agreement(counts_of([["a"]] * 5, ("a", "b")), HOW)
