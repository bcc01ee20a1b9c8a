"""When the gate refuses, passes, or says that it cannot tell."""

import numpy as np
import pytest

from tlesynth.metrics.statistics import Json
from tlesynth.privacy.detector import Detector
from tlesynth.privacy.gate import certificate, chance_of, unchecked, verdict_of
from tlesynth.privacy.likeness import Reference
from tlesynth.privacy.planting import PLANTS
from tlesynth.recipe import Privacy

SEES = {kind: {"value": 1.0, "low": 0.8, "high": 1.0, "n": 20} for kind in PLANTS}

UNKNOWN = {"not_computed": "too few"}


def near(share: float, p: float) -> Json:
    return {"share": {"value": share, "low": share - 0.1, "high": 1.0, "n": 48}, "p": p}


def detector(recall: dict[str, dict[str, float]] = SEES) -> Detector:
    reference = Reference(np.zeros(4, np.float32), np.zeros((9, 4), np.float32))
    return Detector(reference, 4.0, {"false_alarms": 0.02, "threshold": 4.0}, recall, "f")


@pytest.mark.parametrize(
    ("copies", "drawn", "verdict"),
    [
        (0, 100, "passed"),
        (5, 100, "passed"),  # at the limit
        (7, 100, "refused"),
        (1, 8, "passed"),  # 12 %, but false alarms give that one time in seven
        (3, 8, "refused"),
    ],
)
def test_it_refuses_what_is_over_the_limit_and_beyond_chance(copies: int, drawn: int, verdict: str) -> None:
    assert verdict_of(copies, drawn, UNKNOWN, detector(), Privacy()) == verdict


@pytest.mark.parametrize(
    ("share", "p", "verdict"),
    [
        (0.75, 0.0002, "passed"),  # at the limit
        (0.76, 0.0002, "refused"),
        (0.95, 0.02, "passed"),  # of so few that chance gives it one time in fifty
    ],
)
def test_it_refuses_a_cohort_that_lies_too_near_beyond_chance(share: float, p: float, verdict: str) -> None:
    assert verdict_of(0, 100, near(share, p), detector(), Privacy()) == verdict
    assert verdict_of(0, 100, near(share, p), detector(), Privacy(most_nearer=0.96)) == "passed"
    assert certificate(detector(), {}, near(share, p), Privacy())["nearer_to_training"] == near(share, p)


def test_an_override_is_told() -> None:
    judged = {f"sub-{n}": n < 9 for n in range(12)}
    assert certificate(detector(), {}, near(0.9, 0.001), Privacy(gate="report"))["overridden"] is True
    told = certificate(detector(), judged, UNKNOWN, Privacy(gate="report"))
    assert told["verdict"] == "refused, accepted by the recipe" and told["overridden"] is True
    assert told["copies"] == 9 and told["dropped"][0] == "sub-0" and told["share"]["value"] == 0.75
    assert certificate(detector(), judged, UNKNOWN, Privacy())["overridden"] is False


def test_a_blind_detector_passes_nothing() -> None:
    blind = detector(SEES | {"noised": {"value": 0.5}})
    assert verdict_of(0, 100, UNKNOWN, blind, Privacy()) == "undecided: the detector misses planted copies (noised)"
    assert verdict_of(50, 100, UNKNOWN, blind, Privacy()) == "refused"


def test_a_detector_that_was_never_tried_passes_nothing() -> None:
    untried = verdict_of(0, 100, UNKNOWN, detector({}), Privacy())
    assert untried == "undecided: too few copies were planted to say whether copies would be seen"


def test_chance_is_the_binomial_tail() -> None:
    assert chance_of(0, 8, detector()) == 1.0
    assert chance_of(1, 8, detector()) == pytest.approx(1 - 0.98**8)


def test_nothing_checked_is_said_plainly() -> None:
    assert unchecked("no training scans given", Privacy())["verdict"] == "not checked: no training scans given"
