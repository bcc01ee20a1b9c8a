"""Fixed rules decide the words: where the interval lies, and whether the rival has learned anything."""

import pytest

from tlesynth.augment_study.wording import MEANING, WORDS, verdict
from tlesynth.metrics.statistics import Json, not_computed


def interval(low: float, high: float) -> Json:
    return {"value": (low + high) / 2, "low": low, "high": high, "n": 50}


@pytest.mark.parametrize(
    ("difference", "rival", "key"),
    [
        (interval(0.01, 0.05), interval(0.7, 0.9), "gain"),
        (interval(-0.05, -0.01), interval(0.7, 0.9), "harm"),
        (interval(-0.05, 0.05), interval(0.7, 0.9), "none"),
        (interval(-0.05, 0.01), interval(0.7, 0.9), "excluded"),
        (interval(-0.05, 0.05), interval(0.45, 0.7), "cannot"),
        (interval(0.01, 0.05), interval(0.45, 0.7), "gain"),
        (not_computed("2 scans"), interval(0.7, 0.9), "cannot"),
    ],
)
def test_the_rules(difference: Json, rival: Json, key: str) -> None:
    assert verdict(difference, rival, 0.02) == key


def test_no_detectable_gain_has_words_of_its_own() -> None:
    assert WORDS["none"] == "No detectable gain"
    assert WORDS.keys() == MEANING.keys()
