import numpy as np
import pytest
from scipy import stats

from tlesynth.metrics.statistics import Json, auc_interval
from tlesynth.reader_study.multireader import Readings, of_ratings, of_shares, random_readers, verdict

POSITIVE = np.arange(40) < 20


def _readings(values: list[float], variance: float, shared: float) -> Readings:
    r = len(values)
    return Readings(np.array(values), np.full((r, r), shared) + np.eye(r) * (variance - shared), 40, {})


def test_the_formula_by_hand() -> None:
    # MS(R) = 0.01, Cov2 = 0.001: V = (0.01 + 0.003) / 3, df = (0.013 / 0.01)^2 * 2 = 3.38.
    found = random_readers(_readings([0.5, 0.6, 0.7], 0.004, 0.001), 0.95)
    half = stats.t.ppf(0.975, 3.38) * np.sqrt(0.013 / 3)
    assert found["value"] == pytest.approx(0.6) and found["df"] == pytest.approx(3.38)
    assert found["high"] == pytest.approx(0.6 + half, abs=1e-5) and found["readers"] == 3
    assert found["p"] == pytest.approx(2 * stats.t.sf(0.1 / np.sqrt(0.013 / 3), 3.38), abs=1e-5)


def test_a_negative_shared_covariance_counts_as_none() -> None:
    found = random_readers(_readings([0.5, 0.6, 0.7], 0.004, -0.001), 0.95)
    assert found["df"] == pytest.approx(2)


def test_covariances_are_delongs() -> None:
    draw = np.random.default_rng(0)
    one, two = draw.normal(size=(2, 40)) + POSITIVE
    readings = of_ratings(np.stack([one, one, two]), POSITIVE, 0.95)
    assert readings.covariance[0, 1] == pytest.approx(readings.covariance[0, 0])
    assert readings.covariance[0, 2] < readings.covariance[0, 0]
    centred = auc_interval(one, POSITIVE, 0.95)
    error = np.sqrt(readings.covariance[0, 0])
    # The same variance as the single reader's interval, which is symmetric on the logit scale.
    logit = np.log(centred["high"] / (1 - centred["high"])) - np.log(centred["value"] / (1 - centred["value"]))
    assert logit == pytest.approx(1.96 * error / (centred["value"] * (1 - centred["value"])), rel=1e-3)


def test_intervals_are_as_wide_as_other_readers_and_scans_differ() -> None:
    """Readers of different skill who see the same scans; the method is known to be a little too narrow."""
    draw = np.random.default_rng(3)
    skills = draw.normal(0.4, 0.3, 4000)
    truth = float(stats.norm.cdf(skills / np.sqrt(2)).mean())
    held, means, variances = [], [], []
    for _ in range(800):
        look = draw.normal(size=40)
        mine = draw.choice(skills, 4)
        ratings = np.sqrt(0.4) * look + np.sqrt(0.6) * draw.normal(size=(4, 40)) + mine[:, None] * POSITIVE
        found = random_readers(of_ratings(ratings, POSITIVE, 0.95), 0.95)
        held.append(found["low"] <= truth <= found["high"])
        means.append(found["value"])
        variances.append(((found["high"] - found["value"]) / stats.t.ppf(0.975, found["df"])) ** 2)
    assert np.sqrt(np.mean(variances)) == pytest.approx(np.std(means), rel=0.1)
    assert 0.9 <= np.mean(held) <= 0.98


def test_shares_of_independent_pairs_have_binomial_variance() -> None:
    right = np.array([[1.0, 0.0] * 20, [1.0, 1.0, 0.0, 0.0] * 10])
    readings = of_shares(right, 0.95)
    assert readings.values.tolist() == [0.5, 0.5]
    assert readings.covariance[0, 0] == pytest.approx(0.25 / 39) and readings.covariance[0, 1] == pytest.approx(0)


def test_one_reader_and_readers_without_spread_have_the_interval_of_one() -> None:
    alone = random_readers(of_shares(np.array([[1.0, 0.0] * 20]), 0.95), 0.95)
    assert alone["value"] == 0.5 and alone["readers"] == 1 and "one reader" in alone["note"]
    perfect = random_readers(of_ratings(np.tile(POSITIVE * 5.0, (3, 1)), POSITIVE, 0.95), 0.95)
    assert perfect["value"] == 1.0 and 0.8 < perfect["low"] < 1 and "nothing varies" in perfect["note"]


@pytest.mark.parametrize(
    ("low", "high", "says"),
    [
        (0.417, 0.583, "chance"),
        (0.398, 0.602, "undecided"),
        (0.36, 0.64, "undecided"),
        (0.52, 0.58, "chance"),
        (0.52, 0.68, "above chance"),
        (0.3, 0.45, "below chance"),
    ],
)
def test_chance_is_claimed_only_from_a_narrow_interval(low: float, high: float, says: str) -> None:
    interval: Json = {"value": (low + high) / 2, "low": low, "high": high}
    assert verdict(interval, 0.1) == says
    assert verdict({"not_computed": "too few"}, 0.1) == "undecided"
