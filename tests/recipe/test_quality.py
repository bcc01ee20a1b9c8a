"""Limits of the quality control in the recipe."""

import pytest

from tlesynth.errors import TlesynthError
from tlesynth.recipe import load
from tlesynth.recipe.quality import Limit, QualityLimits


def test_one_end_of_a_limit_may_be_set_and_the_others_stay() -> None:
    limits = load("paper", ["preprocess.qc.mask_ml.low=1100", "preprocess.qc.cjv.action=exclude"]).preprocess.qc
    default = QualityLimits()
    assert limits.mask_ml == default.mask_ml.model_copy(update={"low": 1100})
    assert limits.cjv == default.cjv.model_copy(update={"action": "exclude"})
    assert limits.dice == default.dice


def test_an_end_may_be_opened() -> None:
    assert load("paper", ["preprocess.qc.cjv.high=null"]).preprocess.qc.cjv.high is None


def test_every_measure_with_a_limit_is_listed() -> None:
    assert {"cjv", "contrast", "dice", "mask_ml", "poles", "cut_cm2", "ghost"} <= set(QualityLimits().limits())


@pytest.mark.parametrize(
    ("override", "code"),
    [("cjv.highest=1", "CFG-001"), ("mask_ml.low=5000", "CFG-002"), ("robust_z=-1", "CFG-002"), ("dice=7", "CFG-002")],
)
def test_a_wrong_limit_is_refused(override: str, code: str) -> None:
    with pytest.raises(TlesynthError, match=code):
        load("paper", [f"preprocess.qc.{override}"])


def test_nothing_is_left_out_by_default_but_clear_failures() -> None:
    assert {limit.action for limit in QualityLimits().limits().values()} == {"flag"}
    assert Limit().clear_low is None and QualityLimits().contrast.clear_low is None
