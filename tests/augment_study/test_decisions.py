"""What the study says of decisions agrees with the ledger's own figures and with what was planted."""

import numpy as np
import pandas as pd
import pytest
from made_study import made_ledger, made_table, people_of

from tlesynth.augment_study.decisions import CUTS, decisions
from tlesynth.augment_study.resampling import draw
from tlesynth.augment_study.verdicts import subjects_of, verdicts_of
from tlesynth.metrics.decision import PREVALENCES, THRESHOLDS
from tlesynth.metrics.statistics import Json, Resampling


@pytest.fixture(scope="module")
def part() -> Json:
    """The ledger of one network."""
    return made_ledger()["networks"]["cnn3d"]


def told_of(table: pd.DataFrame) -> Json:
    """The decisions of one made-up arm."""
    how = Resampling(200, 0.95, np.random.default_rng(3))
    subjects = subjects_of(table, people_of(table))
    draws = draw(subjects, zip(table["split"], table["seed"], strict=True), how)
    return decisions({"real": verdicts_of(table, subjects)}, subjects, draws, how)["arms"]["real"]


def test_the_three_arms_that_matter_are_told(part: Json) -> None:
    told = part["decisions"]
    assert list(told["arms"]) == ["real", "classical", "chosen"] and told["prevalence"] == 0.5
    for arm in told["arms"].values():
        assert len(arm["net_benefit"]) == len(THRESHOLDS) == len(told["treat_all"])
        assert all(len(arm["at"][cut][key]) == len(PREVALENCES) for cut in CUTS for key in ("ppv", "npv"))


def test_calls_are_those_of_the_ledger(part: Json) -> None:
    for name, arm in part["decisions"]["arms"].items():
        figures = part["arms"][name]["figures"]
        for ours, theirs in (("sensitivity", "recall"), ("specificity", "specificity"), ("accuracy", "accuracy")):
            assert arm["at"]["chosen"][ours] == figures[theirs]
        # The made-up trainings call from 0.5, so that both thresholds are one.
        assert arm["at"]["chosen"] == arm["at"]["half"]


def test_a_better_arm_has_the_greater_benefit_and_none_more_than_the_ill(part: Json) -> None:
    told = part["decisions"]
    half = THRESHOLDS.index(0.5)
    benefit = {name: arm["net_benefit"][half]["value"] for name, arm in told["arms"].items()}
    assert benefit["chosen"] > benefit["real"] > told["treat_all"][half]
    assert max(v["high"] for arm in told["arms"].values() for v in arm["net_benefit"]) <= 0.6


def test_a_calibrated_arm_lies_on_the_diagonal_and_an_overconfident_one_does_not() -> None:
    """Logits of N(+-d^2 / 2, d^2) are their own log-odds; three times as large they promise too much."""
    rng, truth = np.random.default_rng(5), np.arange(600) >= 300
    table = made_table({"real": 1.0}, per_class=300, splits=1, seeds=1).iloc[:0]
    rows = {"network": "cnn3d", "arm": "real", "split": "split1", "seed": 1, "truth": truth.astype(int)}
    z = rng.normal((truth - 0.5) * 2.25, 1.5)
    for scale, most, least in ((1.0, 0.13, 0.0), (3.0, 1.0, 0.2)):
        p = 1 / (1 + np.exp(-scale * z))
        ids = [f"sub-{i:03d}" for i in range(600)]
        made = pd.DataFrame(rows | {"participant_id": ids, "probability": p, "called": (p >= 0.5).astype(int)})
        points = told_of(made[list(table.columns)])["reliability"]
        gaps = [abs(point["predicted"] - point["observed"]["value"]) for point in points]
        assert len(points) == 10 and least <= max(gaps) <= most
        assert sum(point["observed"]["n"] for point in points) == 600


def test_where_the_disease_is_rare_a_call_means_less(part: Json) -> None:
    for arm in part["decisions"]["arms"].values():
        ppv = [found["value"] for found in arm["at"]["half"]["ppv"]]
        npv = [found["value"] for found in arm["at"]["half"]["npv"]]
        assert ppv == sorted(ppv) and npv == sorted(npv, reverse=True)
        sensitivity, specificity = (arm["at"]["half"][k]["value"] for k in ("sensitivity", "specificity"))
        expected = 0.1 * sensitivity / (0.1 * sensitivity + 0.9 * (1 - specificity))
        assert ppv[PREVALENCES.index(0.1)] == pytest.approx(expected, abs=1e-4)
