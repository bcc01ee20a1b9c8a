"""What the simulated cohort promises, checked on its drawn truth: no image is needed and n is that of a real study."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tlesynth import durable
from tlesynth.classifier.volumetry import hippocampus_auc, trivial_auc
from tlesynth.data import enigma
from tlesynth.data.simulate import simulate_cohort
from tlesynth.data.simulate.cohort import as_planted, drawn_truth
from tlesynth.data.simulate.presets import CALIBRATED_AUC, CALIBRATED_SUBJECTS, PRESETS, severity_scale
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Simulate

EVIDENCE = Path(__file__).parents[3] / "benchmarks" / "severity"
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


@pytest.mark.parametrize("preset", list(PRESETS))
def test_the_calibrated_scale_is_the_one_that_was_measured(preset: str) -> None:
    path = EVIDENCE / f"{preset}-{CALIBRATED_SUBJECTS}.json"
    if not path.is_file():
        assert PRESETS[preset].calibrated is None, "no number without its evidence"
        return
    measured = durable.read_json(path)
    half = CALIBRATED_SUBJECTS // 2
    settings = Simulate.model_validate({"preset": preset, "n_hc": half, "n_tle": half, "failed_scans": 0.0})
    assert measured["identity"]["settings"] == settings.model_dump(mode="json"), "measured on other settings"
    assert measured["finished"] and measured["wanted"] == CALIBRATED_AUC
    scale = measured["scale"]
    assert PRESETS[preset].calibrated == (scale if scale is None else pytest.approx(scale, abs=0.005))


def test_calibrated_stands_for_its_number() -> None:
    asked, number = Simulate(severity_scale="calibrated", preset="easy"), PRESETS["easy"].calibrated
    assert number is not None and severity_scale(asked) == number
    assert severity_scale(Simulate()) == 1.0
    given = Simulate(severity_scale=number, preset="easy")
    assert as_planted(asked) == as_planted(given)
    few = {"n_hc": 2, "n_tle": 10, "sites": 1}
    drawn = [drawn_truth(settings.model_copy(update=few), 1) for settings in (asked, given)]
    pd.testing.assert_frame_equal(*drawn)


def test_a_preset_without_a_calibrated_scale_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    settings = Simulate(n_hc=2, n_tle=2, preset="hard", severity_scale="calibrated")
    with pytest.raises(TlesynthError, match="CFG-002.*hard.*AUC of 0.88"):
        simulate_cohort(settings, tmp_path / "out", seed=1, jobs=1)
    assert not (tmp_path / "out").exists()
