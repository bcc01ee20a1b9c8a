import numpy as np
import pytest
from scipy import stats

from tlesynth.metrics.statistics import auc, clopper_pearson
from tlesynth.reader_study.power import equivalence_power, hanley_mcneil, power_of, smallest_share, words


@pytest.mark.parametrize(("n", "low", "high"), [(100, 0.398, 0.602), (150, 0.417, 0.583)])
def test_the_interval_of_a_reader_who_guesses(n: int, low: float, high: float) -> None:
    found = power_of("2afc", n, 1)["at_chance"]
    assert (found["low"], found["high"]) == (pytest.approx(low, abs=5e-4), pytest.approx(high, abs=5e-4))


def test_how_many_pairs_can_show_chance() -> None:
    found = power_of("2afc", 150, 1)
    assert equivalence_power(100) == 0 < equivalence_power(104) and found["pairs_inside"] == 104
    intervals = [clopper_pearson(k, 150) for k in range(151)]
    inside = [k for k, i in enumerate(intervals) if i.low > 0.4 and i.high < 0.6]
    assert found["equivalence_power"] == pytest.approx(stats.binom.pmf(inside, 150, 0.5).sum(), abs=1e-6)
    assert equivalence_power(found["pairs_for_power"]) >= 0.8 > equivalence_power(found["pairs_for_power"] - 4)


def test_the_smallest_share_is_found_with_the_power_that_is_claimed() -> None:
    share = smallest_share(48)
    tested = [stats.binomtest(k, 48).pvalue <= 0.05 and k > 24 for k in range(49)]
    assert stats.binom.pmf(np.nonzero(tested)[0], 48, share).sum() == pytest.approx(0.8, abs=1e-6)
    assert smallest_share(3) == 1.0


def test_hanley_mcneil_is_the_spread_of_simulated_areas() -> None:
    draw = np.random.default_rng(0)
    positive = np.arange(48) < 24
    found = [auc(draw.normal(size=48), positive) for _ in range(2000)]
    assert hanley_mcneil(0.5, 24, 24) == pytest.approx(np.std(found), rel=0.05)


def test_the_words_say_when_a_study_is_too_small() -> None:
    assert "CANNOT" in words("yes-no", 48, power_of("yes-no", 48, 3))[0]
    assert "CANNOT" not in words("yes-no", 150, power_of("yes-no", 150, 3))[0]
    assert "0.23" in words("diagnosis", 48, power_of("diagnosis", 48, 3))[0]
    assert "104" in words("2afc", 48, power_of("2afc", 48, 3))[2]
