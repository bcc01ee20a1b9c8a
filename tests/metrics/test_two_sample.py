"""A set far off is always told apart, one of the same kind never, and permuted labels give one half."""

import numpy as np
import pytest

from tlesynth.metrics import two_sample as t
from tlesynth.metrics.statistics import Resampling


@pytest.fixture(autouse=True)
def few_permutations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(t, "PERMUTATIONS", 39)


def how(seed: int = 0) -> Resampling:
    return Resampling(100, 0.95, np.random.default_rng(seed))


def test_a_set_far_off_is_told_apart() -> None:
    rng = np.random.default_rng(0)
    found = t.two_sample(rng.normal(3, 1, (20, 5)), rng.normal(size=(25, 5)), how())
    assert found["auc"]["value"] == 1 and found["accuracy"]["value"] == 1
    assert found["p"] == 1 / 40 and found["n_first"] == 20 and found["auc"]["n"] == 45


def test_equal_kinds_are_not_told_apart() -> None:
    rng = np.random.default_rng(1)
    found = t.two_sample(rng.normal(size=(40, 5)), rng.normal(size=(40, 5)), how())
    assert found["auc"]["low"] < 0.5 and found["accuracy"]["low"] < 0.5 and found["p"] > 0.05


def test_the_interval_holds_one_half_where_the_permuted_ones_hold_the_value() -> None:
    permuted, narrow = np.linspace(0.3, 0.65, 201), {"value": 0.6, "low": 0.52, "high": 0.68, "n": 60}
    found = t.widened(narrow, permuted, how())
    assert found["low"] < 0.5 and found["n"] == 60
    assert (found["low"], found["high"]) == pytest.approx((0.6 - 0.14125, 0.6 + 0.19125))
    assert t.widened(narrow | {"value": 0.66, "low": 0.61}, permuted, how())["low"] > 0.5
    assert t.widened(narrow | {"low": 0.1, "high": 0.9}, permuted, how()) == narrow | {"low": 0.1, "high": 0.9}
    assert t.widened({"value": 1.0, "low": 0.95, "high": 1.0, "n": 60}, permuted, how())["high"] == 1


def test_permuted_labels_give_one_half() -> None:
    rng = np.random.default_rng(2)
    features, labels = rng.normal(size=(60, 4)), np.arange(60) < 30
    found = [t.auc(t._judged(features, p, rng), p) for p in (rng.permutation(labels) for _ in range(40))]
    assert np.mean(found) == pytest.approx(0.5, abs=0.05)


def test_seven_subjects_are_too_few() -> None:
    x = np.random.default_rng(3).normal(size=(16, 3))
    for n in (3, 7):
        assert t.two_sample(x[:n], x, how())["not_computed"] == f"{n} scans; at least 8 are needed"
    assert "value" in t.two_sample(x[:8], x[8:], how())["auc"]
