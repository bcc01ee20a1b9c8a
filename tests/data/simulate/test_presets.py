"""What the simulated cohort promises, checked on its drawn truth: no image is needed and n is that of a real study."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tlesynth.classifier.volumetry import hippocampus_auc, trivial_auc
from tlesynth.data import enigma
from tlesynth.data.simulate.cohort import drawn_truth
from tlesynth.data.simulate.presets import PRESETS
from tlesynth.recipe import Simulate

SEEDS = (0, 1, 2, 3)
TABLE = {"hard": 0.741, "mid": 0.761, "default": 0.775, "easy": 0.793}
"""AUC of hippocampal volumes alone for 1,178 subjects, as the presets were designed."""


@lru_cache(maxsize=16)
def truth(preset: str, seed: int) -> pd.DataFrame:
    return drawn_truth(Simulate(n_hc=589, n_tle=589, preset=preset), seed)


def volumes_alone(preset: str) -> float:
    found = []
    for seed in SEEDS:
        table = truth(preset, seed)
        positive = (table.group == "tle").to_numpy()
        found.append(hippocampus_auc(enigma.measured(table, seed), positive, seed))
    return float(np.mean(found))


def test_hippocampal_volumes_alone_tell_as_much_as_on_real_scans() -> None:
    assert 0.74 <= volumes_alone("default") <= 0.80


@pytest.mark.parametrize("preset", list(PRESETS))
def test_each_preset_is_as_hard_as_designed(preset: str) -> None:
    assert volumes_alone(preset) == pytest.approx(TABLE[preset], abs=0.02)


def test_nothing_trivial_tells_patients_from_controls() -> None:
    for seed in SEEDS:
        table = truth("default", seed)
        positive = (table.group == "tle").to_numpy()
        for column in ("icv_ml", "age", "sex", "site"):
            assert 0.45 <= trivial_auc(table[column], positive) <= 0.55, (seed, column)


def test_age_sex_and_site_are_independent_of_the_group() -> None:
    for seed in SEEDS:
        table = truth("default", seed)
        hc, tle = (table[table.group == g] for g in ("hc", "tle"))
        assert stats.ttest_ind(hc.age, tle.age).pvalue > 0.05
        for column in ("sex", "site"):
            assert stats.chi2_contingency(pd.crosstab(table[column], table.group)).pvalue > 0.05


def test_the_confounded_scenario_gives_the_group_away_by_site() -> None:
    table = drawn_truth(Simulate(n_hc=300, n_tle=300, scenario="confounded"), 0)
    tle = set(table[table.group == "tle"].site)
    assert not tle & {"site01", "site02"} and {"site01", "site02"} <= set(table.site)
    assert trivial_auc(table.site, (table.group == "tle").to_numpy()) > 0.6


def test_measured_volumes_differ_by_enigma_s_effect_sizes() -> None:
    """Patients with sclerosis, noisy volumes, 24 sites with effects of their own, as in ENIGMA; mean of eight seeds."""
    found = []
    for seed in range(8):
        table = drawn_truth(Simulate(n_hc=1400, n_tle=1500, sites=24), seed)
        found.append(enigma.effect_sizes(table, enigma.measured(table, seed)).set_index(["structure", "where"]))
    published = found[0]
    mean = sum(f.d for f in found) / len(found)
    columns = {"here": mean, "enigma": published.enigma_d, "se": published.enigma_se}
    print("\n" + pd.DataFrame(columns).round(2).to_string())
    for key, d in mean.items():
        assert abs(d - published.enigma_d[key]) < published.enigma_se[key], (key, d)


def test_severity_multiplies_and_zero_plants_nothing() -> None:
    loss = []
    for scale in (0.0, 1.0, 2.0):
        table = drawn_truth(Simulate(n_hc=5, n_tle=100, sites=1, severity_scale=scale), 1)
        loss.append(table.severity[table.hs == "yes"].mean())
    assert loss[0] == 0 and 1.7 < loss[2] / loss[1] < 2.05


def test_bilateral_share_is_the_recipe_s() -> None:
    for share in (0.0, 1.0):
        table = drawn_truth(Simulate(n_hc=5, n_tle=60, sites=1, sclerosis_share=1.0, bilateral_share=share), 1)
        assert (table.contra_loss[table.hs == "yes"] > 0).mean() == share
