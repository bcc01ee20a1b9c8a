"""Group figures, effect sizes and the check against the truth on a table whose numbers are known."""

import numpy as np
import pandas as pd
import pytest

from tlesynth.evaluation import morphometry as m
from tlesynth.metrics.statistics import Resampling


def how() -> Resampling:
    return Resampling(200, 0.95, np.random.default_rng(0))


def table(n: int = 12) -> pd.DataFrame:
    """Controls without, TLE with 40 percent asymmetry on their side; the synthetic cohort with half of it."""
    rng, rows = np.random.default_rng(1), []
    for cohort, size in (("real", 40.0), ("synthetic", 20.0)):
        for group, side in (("hc", None), ("tle", "left"), ("tle", "right")):
            for k in range(n):
                mean = {"left": size, "right": -size, None: 0.0}[side]
                asymmetry = float(rng.normal(mean, 5))
                left, right = 4000 * (1 - asymmetry / 200), 4000 * (1 + asymmetry / 200)
                identity = f"sub-{cohort}{group}{side}{k}"
                rows.append((identity, cohort, group, side, left, right, asymmetry, abs(asymmetry)))
    names = ("participant_id", "cohort", "group", "side", "left", "right", "asymmetry", "asymmetry_abs")
    return pd.DataFrame(rows, columns=list(names))


def test_groups_and_sides_are_kept_apart() -> None:
    found = m.group_figures(table(), how())
    assert set(found) == {"hc", "tle", "tle-left", "tle-right"}
    assert found["tle-left"]["real"]["asymmetry"]["value"] == pytest.approx(40, abs=4)
    assert found["tle-right"]["real"]["asymmetry"]["value"] == pytest.approx(-40, abs=4)
    assert abs(found["hc"]["real"]["asymmetry"]["value"]) < 4
    assert found["tle"]["real"]["asymmetry"]["n"] == 24
    assert found["hc"]["real"]["sd"] == pytest.approx(5, abs=2)


def test_a_weaker_disease_has_a_smaller_effect() -> None:
    found = m.effect_sizes(table(), how())
    assert found["real"]["value"] > found["synthetic"]["value"] > 1
    sides = found["by_side"]
    assert sides["tle-left"]["real"]["value"] > 4 and sides["tle-right"]["real"]["value"] < -4


def test_a_measure_that_is_the_truth_is_found_to_be() -> None:
    measured = table()
    truth = measured.set_index("participant_id")[["left", "right"]]
    found = m.against_truth(measured, truth, how())
    assert found["asymmetry_correlation"]["value"] == pytest.approx(1)
    assert found["asymmetry_slope"]["value"] == pytest.approx(1)
    assert found["bias_percent"]["value"] == pytest.approx(0, abs=1e-9) and found["n"] == 36


def test_a_bias_is_found() -> None:
    measured = table()
    truth = measured.set_index("participant_id")[["left", "right"]] / 1.1
    assert m.against_truth(measured, truth, how())["bias_percent"]["value"] == pytest.approx(10)


def test_missing_cohorts_say_so() -> None:
    real = table()[lambda t: t["cohort"] == "real"]
    assert "not_computed" in m.group_figures(real, how())["tle"]["synthetic"]["asymmetry"]
    assert "not_computed" in m.effect_sizes(real, how())["synthetic"]
    assert "not_computed" in m.against_truth(real, pd.DataFrame(columns=["left", "right"]), how())


def test_left_and_right_correlate_less_where_one_side_is_lost() -> None:
    found = m.side_correlation(table(), how())
    assert found["tle"]["real"]["value"] == pytest.approx(-1, abs=0.01)
