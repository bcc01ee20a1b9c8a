"""Each arm holds what its name says, and what cannot be had is said, not shrunk in silence."""

from collections import Counter

import pandas as pd
import pytest

from tlesynth.augment_study.arms import Pools, compose, counts_of, wanted_arms
from tlesynth.recipe import AugmentStudy


def labels(prefix: str, negative: int, positive: int) -> pd.Series:
    values = [False] * negative + [True] * positive
    return pd.Series(values, index=[f"{prefix}{k:02d}" for k in range(len(values))], dtype=bool)


POOLS = Pools(labels("real", 12, 8), labels("syn", 12, 10), labels("spare", 2, 2))


@pytest.mark.parametrize(
    ("arm", "counts", "positive"),
    [
        ("real", {"real": 20}, 8),
        ("classical", {"real": 20}, 8),
        ("duplicated", {"real": 40}, 16),
        ("reconstructed", {"real": 20, "reconstructed": 20}, 16),
        ("real+0.5", {"real": 20, "synthetic": 10}, 12),
        ("real+1", {"real": 20, "synthetic": 20}, 16),
        ("synthetic", {"synthetic": 20}, 8),
        ("shuffled", {"real": 20, "synthetic": 20}, 16),
        ("permuted", {"real": 20}, 8),
        ("more-real", {"real": 24}, 10),
        ("real-n10", {"real": 10}, 4),
    ],
)
def test_what_an_arm_holds(arm: str, counts: dict[str, int], positive: int) -> None:
    items = compose(arm, POOLS, seed=1)
    assert counts_of(items) == counts
    assert sum(item.positive for item in items) == positive
    assert compose(arm, POOLS, seed=1) == items


def test_a_smaller_ratio_is_part_of_a_larger_one_and_another_seed_draws_others() -> None:
    half, whole = (set(compose(arm, POOLS, 1)) for arm in ("real+0.5", "real+1"))
    assert half < whole
    assert set(compose("real+0.5", POOLS, 2)) != half


def test_shuffled_labels_are_those_of_the_same_scans_in_another_order() -> None:
    plain, shuffled = (compose(arm, POOLS, 1)[20:] for arm in ("real+1", "shuffled"))
    assert [i.participant_id for i in plain] == [i.participant_id for i in shuffled]
    assert Counter(i.positive for i in plain) == Counter(i.positive for i in shuffled)
    assert sum(a.positive != b.positive for a, b in zip(plain, shuffled, strict=True)) >= 4
    permuted = compose("permuted", POOLS, 1)
    assert [i.participant_id for i in permuted] == [i.participant_id for i in compose("real", POOLS, 1)]
    assert sum(i.positive != POOLS.real[i.participant_id] for i in permuted) >= 4


def test_what_cannot_be_had_is_said() -> None:
    arms, missing = wanted_arms(AugmentStudy(learning_curve=(10, 50)), POOLS, reconstructed=False)
    assert {"real", "real+0.25", "real+1", "classical", "more-real", "real-n10"} <= set(arms)
    assert missing["real+2"] == "40 synthetic scans are asked for in the real classes' ratio; there are 22"
    assert missing["real-n50"] == "there are 20 real training scans"
    assert set(missing) == {"real+2", "real-n50", "reconstructed"}


def test_a_real_cohort_keeps_its_holdout() -> None:
    real = Pools(POOLS.real, POOLS.synthetic, labels("spare", 0, 0))
    assert "more-real" in wanted_arms(AugmentStudy(), real, reconstructed=True)[1]
