"""The figures of use say in words what they draw, from a ledger or from predictions."""

import numpy as np
import pandas as pd
import pytest
from made_study import made_ledger

from tlesynth.report import decision_figures
from tlesynth.report.decision_figures import of_ledger, of_predictions

LEVELS = (np.arange(10) + 0.5) / 10


@pytest.fixture
def predictions() -> pd.DataFrame:
    """A calibrated arm and one that calls all alike, as the table on disk has them: text."""
    groups = np.concatenate([np.where(np.arange(100) < round(100 * v), "tle", "hc") for v in LEVELS])
    parts = {"real": np.repeat(LEVELS, 100), "other": np.full(1000, 0.6)}
    return pd.concat(pd.DataFrame({"arm": a, "group": groups, "probability": p.astype(str)}) for a, p in parts.items())


def test_a_calibrated_arm_lies_on_the_diagonal(predictions: pd.DataFrame) -> None:
    judged = of_predictions(predictions)
    real, other = judged.reliability
    np.testing.assert_allclose(real.x, LEVELS)
    np.testing.assert_allclose(real.y, LEVELS)
    assert (other.x, other.y) == (pytest.approx([0.6]), [0.5]) and judged.prevalence == 0.5


def test_an_arm_that_calls_everybody_is_worth_what_acting_on_everybody_is(predictions: pd.DataFrame) -> None:
    judged = of_predictions(predictions)
    alt = decision_figures.benefit(judged).alt
    assert "real only 0.250" in alt and "other 0.000" in alt and "everybody 0.000; nobody 0" in alt
    assert "real only: 0.05 to 0.05, 0.15 to 0.15" in decision_figures.reliability(judged).alt


def test_the_ledgers_curves_have_intervals() -> None:
    judged = of_ledger(made_ledger()["networks"]["cnn3d"])
    assert judged is not None
    assert [curve.label for curve in judged.benefit] == [
        "real only",
        "real + classical augmentation",
        "real + synthetic, ratio chosen on validation",
    ]
    for curve in (*judged.benefit, *judged.reliability):
        assert len(curve.ends) == len(curve.x) and all(
            low <= y <= high for y, (low, high) in zip(curve.y, curve.ends, strict=True)
        )
    assert "chosen on validation 0." in decision_figures.benefit(judged).alt


def test_a_ledger_of_before_has_none() -> None:
    part = made_ledger()["networks"]["cnn3d"]
    del part["decisions"]
    assert of_ledger(part) is None
