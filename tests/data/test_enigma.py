"""The effect size is ENIGMA's on a table whose answer is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tlesynth.data import enigma


def people(n_hc: int, n_left: int, n_right: int) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    n = n_hc + n_left + n_right
    return pd.DataFrame(
        {
            "group": ["hc"] * n_hc + ["tle"] * (n_left + n_right),
            "side": [None] * n_hc + ["left"] * n_left + ["right"] * n_right,
            "hs": [None] * n_hc + ["yes"] * (n_left + n_right),
            "age": rng.uniform(20, 60, n),
            "sex": rng.choice(["F", "M"], n),
            "site": rng.choice(["a", "b", "c"], n),
            "icv_ml": rng.normal(1500, 100, n),
        }
    )


def test_published_values_are_the_mean_of_left_and_right_by_precision() -> None:
    d, error = enigma.published("hippocampus", "ipsi")
    assert d == pytest.approx(-1.838, abs=0.002) and error == pytest.approx(0.118, abs=0.001)
    assert -0.219 < enigma.published("amygdala", "ipsi")[0] < 0.027


def test_a_planted_difference_is_found_whatever_age_sex_head_and_site_do() -> None:
    table = people(3000, 1000, 1000)
    rng = np.random.default_rng(2)
    nuisance = -10 * table.age + 200 * (table.sex == "F") + 1.5 * table.icv_ml + 300 * (table.site == "b")
    columns = [f"{s}_{side}" for s in enigma.STRUCTURES for side in ("left", "right")]
    volumes = pd.DataFrame({c: nuisance + 100 * rng.standard_normal(len(table)) for c in columns})
    volumes["hippocampus_left"] -= 180 * (table.side == "left")
    volumes["hippocampus_right"] -= 180 * (table.side == "right")
    found = enigma.effect_sizes(table, volumes).set_index(["structure", "where"])
    assert found.d["hippocampus", "ipsi"] == pytest.approx(-1.8, abs=0.12)
    assert found.drop(index=("hippocampus", "ipsi")).d.abs().max() < 0.12
    assert found.se["hippocampus", "contra"] == pytest.approx(np.sqrt(4000 / 3e6 / 2), rel=0.02)


def test_too_few_patients_give_no_row() -> None:
    table = people(10, 2, 2)
    volumes = pd.DataFrame({f"{s}_{side}": 1.0 for s in enigma.STRUCTURES for side in ("left", "right")}, table.index)
    assert enigma.effect_sizes(table, volumes).empty


def test_measuring_adds_noise_of_the_stated_size_and_nothing_else() -> None:
    names = [f"{s}_{side}_native_mm3" for s in enigma.STRUCTURES for side in ("left", "right")]
    truth = pd.DataFrame(4000.0, index=range(3000), columns=names)
    logs = np.log(enigma.measured(truth, seed=1) / 4000)
    assert logs.to_numpy().std() == pytest.approx(0.035, rel=0.02) and abs(logs.to_numpy().mean()) < 0.001
    assert (enigma.measured(truth, 1, 0.0) == 4000).all().all()
    assert enigma.measured(truth, 1).equals(enigma.measured(truth, 1))
