"""The temperature undoes over-confidence, changes no ranking, and says how much it rests on."""

import numpy as np
import pytest

from tlesynth.classifier.calibration import Calibration, calibrated, cross_entropy, intervals, platt_targets


def drawn(n: int, sureness: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are ``sureness`` times those whose sigmoid is the chance of being positive."""
    rng = np.random.default_rng(seed)
    true = rng.normal(0, 2, n)
    return sureness * true, rng.random(n) < 1 / (1 + np.exp(-true))


def ends_of(calibration: Calibration, logits: np.ndarray) -> np.ndarray:
    return intervals(calibration.probabilities(logits), calibration.drawn(logits))


@pytest.mark.parametrize("sureness", [0.2, 1.0, 5.0])
def test_the_temperature_is_the_sureness(sureness: float) -> None:
    logits, positive = drawn(2000, sureness)
    assert calibrated(logits, positive, seed=0).temperature == pytest.approx(sureness, rel=0.15)


def test_ranking_and_the_decision_at_one_half_stay() -> None:
    logits, positive = drawn(60, 3.0)
    found = calibrated(logits, positive, seed=0).probabilities(logits)
    assert (np.argsort(found) == np.argsort(logits)).all() and ((found > 0.5) == (logits > 0)).all()


def test_no_error_on_few_scans_is_no_certainty() -> None:
    logits, positive = np.array([-9.0, -8, -7, 7, 8, 9]), np.array([False] * 3 + [True] * 3)
    found = calibrated(logits, positive, seed=0)
    assert found.probabilities(np.array([8.0])) == pytest.approx(platt_targets(positive)[3], abs=0.02)  # 4 of 5


def test_intervals_hold_the_truth_and_shrink_with_more_scans() -> None:
    asked = np.array([-2.0, 0.0, 2.0])
    truth, widths = 1 / (1 + np.exp(-asked)), []
    for n in (30, 600):
        held = []
        for seed in range(20):
            ends = ends_of(calibrated(*drawn(n, 1.0, seed), seed=seed), asked)
            held.append((ends[:, 0] <= truth) & (truth <= ends[:, 1]))
            widths.append(float(np.diff(ends).mean()))
        assert np.mean(held) > 0.85
    assert np.mean(widths[20:]) < 0.4 * np.mean(widths[:20])


def test_an_interval_holds_its_probability_even_where_the_temperature_is_wrong() -> None:
    logits = np.concatenate([np.full(20, 4.0), np.full(20, 6.0)])  # all called positive, half of them wrongly
    positive = np.arange(40) >= 20
    found = calibrated(logits, positive, seed=0)
    low, high = ends_of(found, logits).T
    p = found.probabilities(logits)
    assert (low <= p).all() and (p <= high).all() and low[0] < 0.2


def test_cross_entropy_of_a_coin() -> None:
    assert cross_entropy(np.zeros(4), np.array([0, 1, 0.5, 1])) == pytest.approx(np.log(2))
