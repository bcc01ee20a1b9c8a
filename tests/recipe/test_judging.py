import pytest

from tlesynth import recipe
from tlesynth.errors import TlesynthError


def test_what_counts_as_none_is_no_more_than_what_is_tolerated() -> None:
    with pytest.raises(TlesynthError, match=r"CFG-002.*equivalence_margin 0.9 is more than verdict.effect_difference"):
        recipe.load("tiny", ["evaluation.equivalence_margin=0.9"])
    both = ["evaluation.equivalence_margin=0.9", "evaluation.verdict.effect_difference=0.9"]
    assert recipe.load("tiny", both).evaluation.equivalence_margin == 0.9
    with pytest.raises(TlesynthError, match="effect_difference 0.2"):
        recipe.load("tiny", ["evaluation.verdict.effect_difference=0.2"])


def test_a_mixture_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(TlesynthError, match=r"mixture.*'real\+0.25', 'real\+0.5' or 'synthetic'"):
        recipe.load("tiny", ["evaluation.verdict.mixture=real+2"])


def test_limits_are_no_part_of_what_is_measured() -> None:
    changed = recipe.load("tiny", ["evaluation.verdict.coverage=0.5"]).evaluation
    assert changed.measured == recipe.load("tiny").evaluation.measured
