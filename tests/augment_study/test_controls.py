"""A control that shows what it must is told so; one that does not is a reason to look."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from tlesynth.augment_study.comparing import Arm
from tlesynth.augment_study.controls import controls
from tlesynth.augment_study.resampling import RANKING, draw, figures
from tlesynth.augment_study.verdicts import subjects_of, verdicts_of
from tlesynth.metrics.statistics import Json, Resampling

Table = Callable[..., pd.DataFrame]


def found(table: pd.DataFrame) -> Json:
    how = Resampling(300, 0.95, np.random.default_rng(0))
    people = subjects_of(table, pd.DataFrame(index=pd.Index(sorted(set(table["participant_id"])))))
    draws = draw(people, zip(table["split"], table["seed"], strict=True), how)
    verdicts = {str(name): verdicts_of(rows, people) for name, rows in table.groupby("arm")}
    arms = {name: Arm(one, figures(one, people, draws, RANKING)) for name, one in verdicts.items()}
    return controls(arms, len(people), how)


def test_controls_of_a_sound_study_pass(table: Table) -> None:
    """The hardness of a subject is the same for all arms, so that a permuted arm needs it taken out to guess."""
    told = found(table({"real": 2.0, "shuffled": 1.6, "permuted": 0.0}, hardness=0.0, noise=1.0))
    assert {name: one["reading"] for name, one in told.items()} == {"shuffled": "as it must", "permuted": "as it must"}


@pytest.mark.parametrize(("planted", "name"), [({"shuffled": 4.0}, "shuffled"), ({"permuted": 1.5}, "permuted")])
def test_a_planted_fault_is_told(table: Table, planted: dict[str, float], name: str) -> None:
    told = found(table({"real": 1.5} | planted, per_class=60))
    assert told[name]["reading"] == "not as it must" and name in ("shuffled", "permuted")
    assert told[name]["figure"]["low"] > (0.5 if name == "permuted" else 0)


def test_what_was_not_run_is_not_judged(table: Table) -> None:
    assert found(table({"real": 1.5, "classical": 1.5}, per_class=10)) == {}
