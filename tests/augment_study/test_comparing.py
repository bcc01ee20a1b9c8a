"""A planted gain is found, a planted null is not, chance is one half, and intervals hold the truth at their rate."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tlesynth.augment_study.comparing import Arm, arm_figures, arm_of, compare, interval
from tlesynth.augment_study.resampling import Draws, draw, figures
from tlesynth.augment_study.verdicts import Subjects, subjects_of, verdicts_of
from tlesynth.augment_study.wording import verdict
from tlesynth.metrics.statistics import Json, Resampling

Table = Callable[..., pd.DataFrame]


def drawn(table: pd.DataFrame, how: Resampling) -> tuple[Subjects, Draws]:
    people = pd.DataFrame(index=pd.Index(sorted(set(table["participant_id"])), name="participant_id"))
    subjects = subjects_of(table, people)
    return subjects, draw(subjects, zip(table["split"], table["seed"], strict=True), how)


def study(table: pd.DataFrame, resamples: int = 400) -> tuple[dict[str, Arm], Subjects, Resampling]:
    how = Resampling(resamples, 0.95, np.random.default_rng(0))
    subjects, draws = drawn(table, how)
    arms = {str(name): verdicts_of(rows, subjects) for name, rows in table.groupby("arm")}
    return {name: arm_of(found, subjects, draws) for name, found in arms.items()}, subjects, how


def drawn_aucs(table: pd.DataFrame) -> tuple[dict[str, np.ndarray], Resampling]:
    how = Resampling(200, 0.95, np.random.default_rng(0))
    subjects, draws = drawn(table, how)
    arms = {str(name): verdicts_of(rows, subjects) for name, rows in table.groupby("arm")}
    return {name: figures(found, subjects, draws, ("auc_roc",))["auc_roc"] for name, found in arms.items()}, how


def judged(table: pd.DataFrame, resamples: int = 400) -> tuple[Json, str]:
    arms, subjects, how = study(table, resamples)
    found = compare(
        arms["chosen"],
        arms["classical"],
        subjects,
        how,
        n_pool=round(1.5 * len(arms["classical"].verdicts[0].rows)),
        power=0.8,
    )
    rival = arm_figures(arms["classical"], len(subjects), how)["auc_roc"]
    return found, verdict(found["auc_roc"], rival, smallest_gain=0.02)


def test_a_planted_gain_is_found_by_every_method(table: Table) -> None:
    found, key = judged(table({"classical": 0.8, "chosen": 3.0}, per_class=60))
    assert key == "gain"
    assert found["bootstrap_p"] < 0.02 and found["delong"]["p"] < 0.01
    assert found["mcnemar"]["gained"] > found["mcnemar"]["lost"] and found["mcnemar"]["p"] < 0.05
    assert found["resampled_t"]["difference"] == pytest.approx(found["auc_roc"]["value"], abs=1e-5)
    assert found["auc_roc"]["value"] > found["power"]["detectable"]


def test_a_planted_null_is_no_detectable_gain(table: Table) -> None:
    found, key = judged(table({"classical": 1.5, "chosen": 1.5}))
    assert key == "none"
    assert found["auc_roc"]["low"] < 0 < found["auc_roc"]["high"]
    assert found["power"]["detectable"] > 0.02, "it could not have seen so small a gain, and says so"


def test_a_planted_harm_is_harm(table: Table) -> None:
    assert judged(table({"classical": 3.0, "chosen": 0.8}, per_class=60))[1] == "harm"


def test_permuted_labels_are_at_chance(table: Table) -> None:
    found = table({"classical": 3.0, "chosen": 3.0}, per_class=100)
    rng = np.random.default_rng(1)
    truth = found.groupby("participant_id")["truth"].first()
    shuffled = pd.Series(rng.permutation(truth), index=truth.index)
    arms, subjects, how = study(found.assign(truth=found["participant_id"].map(shuffled)))
    auc = arm_figures(arms["classical"], len(subjects), how)["auc_roc"]
    assert auc["low"] < 0.5 < auc["high"]
    assert auc["value"] == pytest.approx(0.5, abs=0.08)
    assert judged(found.assign(truth=found["participant_id"].map(shuffled)))[1] == "cannot"


def test_the_auc_is_the_known_one_and_its_interval_holds_it(table: Table) -> None:
    """Two normals of sd sqrt(1 + 0.09), 2 apart: AUC = Phi(2 / sqrt(2 * 1.09)) for a single training."""
    true = float(stats.norm.cdf(2 / np.sqrt(2 * 1.09)))
    inside = []
    for number in range(40):
        aucs, how = drawn_aucs(table({"classical": 2.0}, seed=number))
        found = interval(aucs["classical"], 80, how)
        inside.append(found["low"] <= true <= found["high"])
    assert np.mean(inside) >= 0.875


def test_false_alarms_are_rare(table: Table) -> None:
    alarms = 0
    for number in range(40):
        aucs, how = drawn_aucs(table({"classical": 1.5, "chosen": 1.5}, seed=number))
        rival, difference = aucs["classical"], aucs["chosen"] - aucs["classical"]
        alarms += verdict(interval(difference, 80, how), interval(rival, 80, how), 0.02) in ("gain", "harm")
    assert alarms <= 5


def test_a_split_that_is_drawn_twice_counts_twice(table: Table) -> None:
    found = table({"classical": 2.0})
    _, draws = drawn(found, Resampling(50, 0.95, np.random.default_rng(0)))
    total = sum(draws.trainings.values())
    assert (np.asarray(total) == 9).all(), "as many trainings in each draw as there are"
    by_split = sum(w for (split, _), w in draws.trainings.items() if split == "split1")
    assert set(np.asarray(by_split) % 3) == {0}
