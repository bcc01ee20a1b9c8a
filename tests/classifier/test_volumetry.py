"""AUCs of tables with known answers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tlesynth.classifier import volumetry


def test_auc_is_the_share_of_pairs_in_order() -> None:
    positive = np.array([True, True, False, False])
    assert volumetry.auc(np.array([3.0, 1, 2, 0]), positive) == 0.75
    assert volumetry.auc(np.array([1.0, 1, 1, 1]), positive) == 0.5
    assert np.isnan(volumetry.auc(np.array([1.0]), np.array([True])))


def test_scores_of_different_folds_are_not_compared() -> None:
    positive, fold = np.array([True, False, True, False]), np.array([0, 0, 1, 1])
    assert volumetry.auc(np.array([1.0, 0, 101, 100]), positive, fold) == 1
    assert volumetry.auc(np.array([1.0, 0, 101, 100]), positive) == 0.75


def test_the_interval_holds_the_auc_and_narrows_with_n() -> None:
    widths = []
    for n in (40, 640):
        rng = np.random.default_rng(1)
        positive = np.arange(n) % 2 == 0
        score, fold = rng.standard_normal(n) + positive, np.arange(n) // 2 % 5
        low, high = volumetry.interval(score, positive, fold, seed=1, draws=200)
        assert low < volumetry.auc(score, positive, fold) < high
        widths.append(high - low)
    assert widths[1] < 0.5 * widths[0]


def test_volumes_with_a_known_effect_give_the_known_auc() -> None:
    rng = np.random.default_rng(3)
    positive = np.arange(600) % 2 == 0
    shared = 0.1 * rng.standard_normal((600, 1)) + 0.02 * rng.standard_normal((600, 2))
    volumes = pd.DataFrame(4000 * np.exp(shared), columns=["hippocampus_left", "hippocampus_right"])
    assert volumetry.hippocampus_auc(volumes, positive) == pytest.approx(0.5, abs=0.06)
    volumes["hippocampus_left"] *= np.where(positive, 0.9, 1)
    assert volumetry.hippocampus_auc(volumes, positive) > 0.95


def test_a_nuisance_counts_whichever_way_it_points_and_words_by_their_share() -> None:
    positive = np.array([True, True, False, False])
    assert volumetry.trivial_auc(pd.Series([0.0, 1, 2, 3]), positive) == 1
    assert volumetry.trivial_auc(pd.Series(["a", "b", "a", "b"]), positive) == 0.5
    assert volumetry.trivial_auc(pd.Series(["a", "a", "b", "b"]), positive) == 1
    assert np.isnan(volumetry.trivial_auc(pd.Series([None] * 4, dtype=object), positive))


def test_folds_are_even_over_every_stratum() -> None:
    strata = ["hc"] * 50 + ["tle"] * 25 + ["rare"] * 2
    fold = volumetry.folds(strata, seed=1)
    assert np.bincount(fold[:50]).tolist() == [10] * 5 and np.bincount(fold[50:75]).tolist() == [5] * 5
    assert set(np.bincount(fold)) == {15, 16} and not np.array_equal(fold, volumetry.folds(strata, seed=2))
