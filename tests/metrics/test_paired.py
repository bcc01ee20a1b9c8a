"""Paired tests give the numbers worked out by hand, by statsmodels, or by the formula's own sums."""

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import mcnemar as reference

from tlesynth.metrics import paired as p


def test_delong_is_the_sum_of_its_definition() -> None:
    rng = np.random.default_rng(0)
    positive = np.arange(30) < 12
    base, other = rng.normal(positive * 1.0), np.round(rng.normal(positive * 1.4), 1)
    found = p.delong(other, base, positive)

    def wins(scores: np.ndarray) -> np.ndarray:
        return np.array([[(a > b) + 0.5 * (a == b) for b in scores[~positive]] for a in scores[positive]])

    aucs, v10, v01 = [], [], []
    for scores in (other, base):
        table = wins(scores)
        aucs.append(table.mean())
        v10.append(table.mean(axis=1))
        v01.append(table.mean(axis=0))
    s10, s01 = np.cov(v10), np.cov(v01)
    variance = (s10[0, 0] + s10[1, 1] - 2 * s10[0, 1]) / 12 + (s01[0, 0] + s01[1, 1] - 2 * s01[0, 1]) / 18
    assert found.difference == pytest.approx(aucs[0] - aucs[1])
    assert found.error == pytest.approx(np.sqrt(variance))


def test_delong_finds_nothing_between_equals_and_holds_its_level() -> None:
    rng = np.random.default_rng(1)
    positive = np.arange(60) < 30
    same = rng.normal(positive)
    assert (p.delong(same, same, positive).difference, p.delong(same, same, positive).p) == (0, 1)
    alarms = []
    for _ in range(400):
        shared = rng.normal(positive * 1.0)
        alarms.append(p.delong(shared + rng.normal(0, 0.7, 60), shared + rng.normal(0, 0.7, 60), positive).p < 0.05)
    assert 0.02 <= np.mean(alarms) <= 0.09


@pytest.mark.parametrize(("gained", "lost", "expected"), [(7, 0, 0.015625), (10, 3, 0.0923), (20, 13, 0.2962)])
def test_mcnemar_of_the_papers_seven_scans(gained: int, lost: int, expected: float) -> None:
    """Seven more right of 300: what that is worth depends on how many went the other way."""
    other = np.r_[np.ones(gained), np.zeros(lost), np.ones(100)].astype(bool)
    base = np.r_[np.zeros(gained), np.ones(lost), np.ones(100)].astype(bool)
    found = p.mcnemar(other, base)
    assert (found["gained"], found["lost"]) == (gained, lost)
    assert found["p"] == pytest.approx(expected, abs=5e-5)
    assert found["p"] == pytest.approx(reference([[0, gained], [lost, 100]], exact=True).pvalue, rel=1e-5)


def test_the_t_over_splits_by_hand() -> None:
    """Mean 0.04, variance 0.0004, 25 of 125 tested: (1/3 + 25/100), t = 0.04 / 0.0152753 = 2.61861, 2 degrees."""
    found = p.resampled_t([0.02, 0.04, 0.06], n_test=25, n_pool=125)
    assert found["t"] == pytest.approx(2.61861, abs=1e-5)
    assert found["p"] == pytest.approx(0.1201, abs=1e-4)
    assert found["shared"] == 0.2
    assert "two splits" in p.resampled_t([0.1], 25, 125)["not_computed"]
    assert "same scans" in p.resampled_t([0.1, 0.2], 25, 25)["not_computed"]


@pytest.mark.parametrize("splits", [3, 5, 10])
def test_the_t_over_splits_holds_its_level(splits: int) -> None:
    """36 of the same 60 subjects are tested in each split; there is no difference, and one in twenty finds one.

    The correction for overlapping training sets (n_test / n_train, 36 / 119 here) finds 0.13, 0.21 and 0.29.
    """
    rng = np.random.default_rng(splits)
    alarms = []
    for _ in range(1500):
        subjects = rng.normal(size=60)
        means = [float(subjects[rng.permutation(60)[:36]].mean()) for _ in range(splits)]
        alarms.append(p.resampled_t(means, 36, 60)["p"] < 0.05)
    assert 0.03 <= np.mean(alarms) <= 0.075


def test_holm_by_hand() -> None:
    assert p.holm({"a": 0.01, "b": 0.04, "c": 0.03}) == {"a": 0.03, "b": 0.06, "c": 0.06}
    assert p.holm({}) == {}


def test_a_bootstrap_p_counts_what_lies_beyond_zero() -> None:
    assert p.bootstrap_p(np.r_[np.full(2, -1.0), np.full(97, 1.0), np.nan]) == pytest.approx(2 * 3 / 100)
    assert p.bootstrap_p(np.array([1.0, -1.0])) == 1.0


def test_what_a_study_could_have_seen() -> None:
    """1.960 + 0.842 standard errors at 95 % and 80 % power."""
    assert p.detectable(0.01, 0.95, 0.8) == pytest.approx(0.028016, abs=1e-6)
