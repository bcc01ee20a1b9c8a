"""Each limit passes on its good side and fails on its bad one; figures carry n and an interval."""

import numpy as np
import pandas as pd
import pytest

from tlesynth.autoencoder.gate.doctor import Moments
from tlesynth.autoencoder.gate.examination import Examination
from tlesynth.autoencoder.gate.verdict import FAILED, LIMITS, PASSED, UNJUDGED, carried, figures, judge, judged_anew
from tlesynth.metrics.spectrum import BANDS
from tlesynth.recipe import Gate

GOOD = {
    "l1_brain": 0.03,
    "psnr_db": 31.0,
    "l1_hippocampus": 0.03,
    "hippocampus_bias": -0.01,
    "hippocampus_agreement": 0.03,
    "dead_channels": 0,
    "posterior_noise": 0.05,
    "grid_artefact_db": 0.2,
}
BAD = {
    "l1_brain": 0.07,
    "psnr_db": 24.0,
    "l1_hippocampus": 0.09,
    "hippocampus_bias": -0.03,
    "hippocampus_agreement": 0.07,
    "dead_channels": 1,
    "posterior_noise": 0.4,
    "grid_artefact_db": 4.0,
}
GATE = Gate(hippocampus_l1=0.06)


def given(values: dict[str, float]) -> dict:
    return {name: {"value": value, "low": value, "high": value, "n": 5} for name, value in values.items()}


def test_good_figures_pass_every_limit() -> None:
    found = judge(given(GOOD), GATE)
    assert found["verdict"] == PASSED and found["reasons"] == []
    assert {row["state"] for row in found["limits"]} == {PASSED}


@pytest.mark.parametrize("name", list(LIMITS))
def test_each_limit_alone_can_fail_the_model(name: str) -> None:
    figure = LIMITS[name].figure
    found = judge(given(GOOD | {figure: BAD[figure]}), GATE)
    assert found["verdict"] == FAILED
    assert [row["name"] for row in found["limits"] if row["state"] == FAILED] == [name]
    assert len(found["reasons"]) == 1 and LIMITS[name].words in found["reasons"][0]
    # Switched off, it fails nothing, and the page can tell that it was loosened.
    off = judge(given(GOOD | {figure: BAD[figure]}), GATE.model_copy(update={name: None}))
    row = next(r for r in off["limits"] if r["name"] == name)
    assert off["verdict"] == PASSED and row["state"] == "off"
    assert row["loosened"] == (getattr(Gate(), name) is not None)


def test_the_limit_itself_is_good_and_a_bias_counts_on_either_side() -> None:
    assert judge(given(GOOD | {"l1_brain": 0.06, "psnr_db": 25.0}), GATE)["verdict"] == PASSED
    assert judge(given(GOOD | {"hippocampus_bias": 0.03}), GATE)["verdict"] == FAILED


def test_a_carried_failure_is_judged_anew_by_the_recipes_own_limits_alone() -> None:
    figures = given(GOOD | {"l1_brain": 0.07})
    failed = carried(judge(figures, Gate()), figures)
    assert judged_anew(failed, Gate()) == judged_anew(failed, Gate(scans=3)) == failed
    looser = judged_anew(failed | {"split": "val"}, Gate(l1=0.1))
    assert looser and (looser["verdict"], looser["reasons"], looser["loosened"]) == (PASSED, [], ["l1"])
    assert looser["figures"] == figures and looser["split"] == "val"
    stricter = judged_anew(failed, Gate(psnr=40.0))
    assert stricter and stricter["verdict"] == FAILED and len(stricter["reasons"]) == 2
    passed = carried(judge(figures, Gate(l1=0.1)), figures)
    assert judged_anew(passed, Gate(psnr=40.0)) == passed
    assert judged_anew(None, Gate(l1=0.1)) is None
    older = {key: failed[key] for key in ("verdict", "reasons", "loosened")}
    assert judged_anew(older, Gate(l1=0.1)) == older


def test_loosened_limits_are_marked() -> None:
    rows = {r["name"]: r for r in judge(given(GOOD), Gate(l1=0.1, psnr=20.0, hippocampus_bias=0.01))["limits"]}
    assert [name for name, row in rows.items() if row["loosened"]] == ["l1", "psnr"]


def test_what_cannot_be_measured_is_not_judged() -> None:
    nothing: dict = dict.fromkeys(GOOD)
    assert judge(nothing, GATE)["verdict"] == UNJUDGED
    partly = judge(nothing | given({"l1_brain": 0.03}), GATE)
    states = {row["name"]: row["state"] for row in partly["limits"]}
    assert partly["verdict"] == PASSED and states["l1"] == PASSED and states["hippocampus_bias"] == UNJUDGED


def test_the_estimate_decides_and_an_interval_across_the_limit_is_told() -> None:
    wide = {"value": 0.01, "low": -0.03, "high": 0.05, "n": 4}
    found = judge(given(GOOD) | {"hippocampus_bias": wide}, GATE)
    row = next(r for r in found["limits"] if r["name"] == "hippocampus_bias")
    assert found["verdict"] == PASSED and row["unsure"]
    few = judge(given(GOOD) | {"l1_brain": {"value": 0.05, "low": None, "high": None, "n": 1}}, GATE)
    assert few["verdict"] == PASSED and not any(r["unsure"] for r in few["limits"])


def examination(n: int, bias: float = 0.01) -> Examination:
    rng = np.random.default_rng(0)
    columns = ["l1", "l1_brain", "l1_hippocampus", "psnr_db", "psnr_brain_db", "ssim", "kl_per_element"]
    table = pd.DataFrame({c: rng.uniform(0.01, 0.02, n) for c in columns})
    for side in ("_left", "_right"):
        table["hippocampus_bias" + side] = bias + 0.01 * rng.standard_normal(n)
    table["hippocampus_bias"] = (table["hippocampus_bias_left"] + table["hippocampus_bias_right"]) / 2
    for axis in "xyz":
        for period in (2, 4, "blocks"):
            table[f"grid_{axis}_{period}_db"] = 5.0 if (axis, period) == ("y", 4) else 0.0
    table["finite"] = 1
    latents = Moments(np.zeros((n, 2)), np.ones((n, 2)), np.full((n, 2), 0.25), np.ones((n, 2)))
    power = np.ones((n, len(BANDS) - 1))
    return Examination(table, latents, power, power * 0.1)


def test_figures_are_means_with_their_n() -> None:
    found = figures(examination(40), seed=0)
    whole = found["figures"]
    assert whole["hippocampus_bias"]["value"] == pytest.approx(0.01, abs=0.004)
    assert whole["hippocampus_bias"]["low"] < whole["hippocampus_bias"]["value"] < whole["hippocampus_bias"]["high"]
    assert whole["hippocampus_agreement"]["value"] == pytest.approx(0.0196, rel=0.2)
    assert whole["grid_artefact_db"]["value"] == 5 and found["grid_traces"]["y_4"]["value"] == 5
    assert whole["posterior_noise"] == {"value": 0.2, "low": 0.2, "high": 0.2, "n": 40}
    assert [c["noise_share"]["value"] for c in found["channels"]] == [0.2, 0.2] and whole["dead_channels"]["value"] == 0
    assert [band["value"] for band in found["spectrum"]["ratio_db"]] == pytest.approx([-10] * (len(BANDS) - 1))


def test_two_scans_give_values_without_intervals_and_no_agreement() -> None:
    whole = figures(examination(2), seed=0)["figures"]
    assert whole["l1"]["n"] == 2 and whole["l1"]["low"] is None and whole["hippocampus_agreement"] is None


def test_a_reconstruction_that_is_not_finite_fails_whatever_the_limits_and_spoils_no_figure() -> None:
    whole = examination(5)
    table = whole.scans.assign(finite=[1, 1, 0, 1, 1])
    table.loc[2, [c for c in table if c != "finite"]] = np.nan
    found = figures(Examination(table, whole.latents, whole.power, whole.power_rebuilt), seed=0)["figures"]
    assert found["not_finite"] == {"value": 1, "low": None, "high": None, "n": 5} and found["l1"]["n"] == 4
    off = Gate(**dict.fromkeys(LIMITS), scans=5)
    told = judge(found, off)
    assert told["verdict"] == FAILED and told["reasons"] == ["1 of 5 reconstructions is not finite"]
    none = figures(Examination(table.assign(finite=0), whole.latents, whole.power, whole.power_rebuilt), seed=0)
    told = judge(none["figures"], GATE)
    assert told["verdict"] == FAILED and told["reasons"] == ["5 of 5 reconstructions are not finite"]
    assert set(none["figures"]) == set(found) and none["channels"] == []
