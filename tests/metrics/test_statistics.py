"""Intervals cover what they should, rankings are the textbook's, and too few scans give no number."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from tlesynth.metrics import statistics as s


def how(seed: int = 0, resamples: int = 400, confidence: float = 0.95) -> s.Resampling:
    return s.Resampling(resamples, confidence, np.random.default_rng(seed))


def test_auc_of_a_known_ranking() -> None:
    positive = np.array([True, False, True, False])
    assert s.auc(np.array([4.0, 1.0, 3.0, 2.0]), positive) == 1.0
    assert s.auc(np.array([4.0, 3.0, 2.0, 1.0]), positive) == 0.75
    assert s.auc(np.array([1.0, 1.0, 1.0, 1.0]), positive) == 0.5


def test_rankings_agree_with_scikit_learn_with_ties() -> None:
    rng = np.random.default_rng(0)
    scores, positive = np.round(rng.random(60), 1), rng.random(60) < 0.4
    rows = rng.integers(0, 60, (20, 60))
    for row, mine, precision in zip(
        rows, s.auc_draws(scores, positive, rows), s.average_precision_draws(scores, positive, rows), strict=True
    ):
        assert mine == pytest.approx(roc_auc_score(positive[row], scores[row]))
        assert precision == pytest.approx(average_precision_score(positive[row], scores[row]))
    called = scores > 0.5
    for row, mine in zip(rows, s.f1_draws(called, positive, rows), strict=True):
        assert mine == pytest.approx(f1_score(positive[row], called[row]))


def test_the_mean_interval_covers_at_its_rate() -> None:
    rng = np.random.default_rng(1)
    found = [s.mean_interval(rng.normal(5, 2, 40), how(k)) for k in range(300)]
    covered = np.mean([f["low"] <= 5 <= f["high"] for f in found])
    assert 0.90 <= covered <= 0.98


def test_the_auc_interval_covers_at_its_rate() -> None:
    rng = np.random.default_rng(2)
    true = 0.8413  # two normals sqrt(2) apart
    positive = np.arange(60) < 30
    found = [s.auc_interval(rng.normal(np.sqrt(2) * positive), positive, 0.95) for _ in range(400)]
    covered = np.mean([f["low"] <= true <= f["high"] for f in found])
    assert 0.92 <= covered <= 0.985


def test_a_perfect_ranking_still_has_a_width() -> None:
    positive = np.arange(20) < 10
    best = s.auc_interval(positive.astype(float), positive, 0.95)
    worst = s.auc_interval(1.0 - positive, positive, 0.95)
    assert best["value"] == best["high"] == 1.0
    assert 0.6 < best["low"] < 0.95
    assert worst["high"] == pytest.approx(1 - best["low"], abs=1e-5)


def test_the_papers_reader_has_the_interval_of_the_textbook() -> None:
    exact, score = s.clopper_pearson(7, 24), s.wilson(7, 24)
    assert (exact.low, exact.high) == pytest.approx((0.126, 0.511), abs=5e-4)
    assert (score.low, score.high) == pytest.approx((0.149, 0.492), abs=5e-4)


def test_hedges_g_of_known_samples() -> None:
    found = s.hedges_g(np.array([2.0, 4.0, 6.0]), np.array([1.0, 3.0, 5.0]), 0.95)
    assert found["value"] == pytest.approx(0.5 * (1 - 3 / 15))
    assert found["low"] < 0 < found["high"]


def test_hedges_g_covers_at_its_rate() -> None:
    rng = np.random.default_rng(3)
    found = [s.hedges_g(rng.normal(1, 1, 25), rng.normal(0, 1, 25), 0.95) for _ in range(400)]
    assert 0.92 <= np.mean([f["low"] <= 1 <= f["high"] for f in found]) <= 0.985


@pytest.mark.parametrize("n", [0, 1, 2])
def test_fewer_than_three_scans_give_no_statistic(n: int) -> None:
    values = np.ones(n)
    assert "not_computed" in s.mean_interval(values, how())
    assert "not_computed" in s.hedges_g(values, np.arange(5.0), 0.95)
    assert "not_computed" in s.proportion(n, n, 0.95)
    assert "not_computed" in s.auc_interval(np.arange(n + 5.0), np.arange(n + 5) < n, 0.95)
    assert "not_computed" in s.bootstrap(lambda rows: rows.mean(axis=1), (5, n), how())


def test_strata_are_resampled_within_themselves() -> None:
    rows = how().subjects(4, 6)
    assert rows.shape == (400, 10)
    assert rows[:, :4].max() == 3 and rows[:, 4:].min() == 4 and rows[:, 4:].max() == 9


def test_the_same_generator_gives_the_same_interval() -> None:
    values = np.random.default_rng(4).random(30)
    assert s.mean_interval(values, how(5)) == s.mean_interval(values, how(5))
