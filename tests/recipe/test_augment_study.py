"""The study's rival is one of its arms, and nothing is trained twice under one name."""

import pytest

from tlesynth import recipe
from tlesynth.errors import TlesynthError


@pytest.mark.parametrize(
    ("override", "word"),
    [
        ("augment_study.controls=[duplicated]", "the rival is classical"),
        ("augment_study.ratios=[0.5, 0.5]", "ratios names something twice"),
        ("augment_study.ratios=[]", "augment_study.ratios"),
        ("augment_study.classifiers=[resnet]", "augment_study.classifiers"),
    ],
)
def test_a_fault_is_named(override: str, word: str) -> None:
    with pytest.raises(TlesynthError, match=word) as caught:
        recipe.load("tiny", [override])
    assert caught.value.code == "CFG-002"


def test_the_rival_may_be_the_plain_arm() -> None:
    assert recipe.load("tiny", ["augment_study.controls=[]", "augment_study.rival=real"]).augment_study.rival == "real"


def test_the_rival_has_everything_that_is_usual_and_nothing_else_is_varied_by_default() -> None:
    rival = recipe.load("paper").augment_study.classical
    assert all(v for name, v in rival.model_dump().items()), "a part of classical augmentation is off"
    assert not recipe.load("paper").classifier.augmentation.varies
