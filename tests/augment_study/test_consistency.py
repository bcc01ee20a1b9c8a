"""Plainer synthetic classes are a caricature, fainter ones are called weak, and few scans are said to be few."""

from collections.abc import Callable

import pandas as pd
import pytest

from tlesynth.augment_study.consistency import consistency
from tlesynth.augment_study.verdicts import subjects_of, verdicts_of

Table = Callable[..., pd.DataFrame]
REAL = {"value": 0.75, "low": 0.7, "high": 0.8, "n": 100}


@pytest.mark.parametrize(("apart", "reading"), [(6.0, "caricature"), (0.0, "weak"), (1.0, "alike")])
def test_the_reading(table: Table, apart: float, reading: str) -> None:
    made = table({"real": apart}, per_class=400, splits=1)
    scans = subjects_of(made, pd.DataFrame(index=pd.Index(sorted(set(made["participant_id"])))))
    found = consistency(verdicts_of(made, scans), scans, REAL, 0.95)
    assert found["reading"] == reading and not found["few"]
    assert found["positive_right"] + found["negative_right"] == pytest.approx(
        found["accuracy"]["value"] * len(scans), 1e-3
    )


def test_a_gap_that_chance_allows_is_unclear(table: Table) -> None:
    made = table({"real": 2.5}, per_class=10, splits=1)
    scans = subjects_of(made, pd.DataFrame(index=pd.Index(sorted(set(made["participant_id"])))))
    wide = {"value": 0.6, "low": 0.3, "high": 0.9, "n": 10}
    assert consistency(verdicts_of(made, scans), scans, wide, 0.95)["reading"] == "unclear"


def test_few_scans_are_said(table: Table) -> None:
    made = table({"real": 1.0}, per_class=36, splits=1)
    scans = subjects_of(made, pd.DataFrame(index=pd.Index(sorted(set(made["participant_id"])))))
    assert consistency(verdicts_of(made, scans), scans, REAL, 0.95)["few"]
