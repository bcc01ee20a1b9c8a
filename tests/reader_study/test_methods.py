from copy import deepcopy
from typing import Any

import pytest

from tlesynth.metrics.statistics import Json
from tlesynth.reader_study.detection import papers_statistic
from tlesynth.reader_study.methods import methods

INTERVAL = {"value": 0.5, "low": 0.42, "high": 0.58, "n": 150}
ABOUT: dict[str, Any] = {
    "design": "2afc",
    "rehearsal": False,
    "banner": "",
    "readers": 3,
    "asked": 3,
    "convention": "radiological",
    "anatomy": [],
    "recognised": 0,
    "missing": {},
    "confidence": 0.95,
    "margin": 0.1,
    "key_sha256": "ab" * 32,
    "made": {"cases": 150, "warm_ups": 4, "repeats": 6, "strata": {"hc": 75, "tle": 75}, "held_out": True},
}


@pytest.fixture
def result() -> Json:
    return {
        "about": deepcopy(ABOUT),
        "all": {"share": INTERVAL, "verdict": "chance"},
        "agreement": {"gwet_ac1": {"value": 0.1, "low": -0.1, "high": 0.3, "n": 150}},
        "machine_reader": {"not_computed": "the audit was not run"},
        "papers_statistic": papers_statistic(0.95),
    }


def test_the_paragraphs_say_what_was_done_and_found(result: Json) -> None:
    text = methods(result)
    for said in ("3 readers saw a real and a synthetic", "150 pairs", "75 hc, 75 tle", "held out", "abababababab..."):
        assert said in text
    for said in ("0.50 [0.42, 0.58]", "cannot tell them apart beyond that", "d' 1.53 with 0", "-1.05 with 17"):
        assert said in text
    assert "rehearsal" not in text and "the audit was not run" in text


def test_a_rehearsal_says_so_first_and_in_the_text(result: Json) -> None:
    result["about"] |= {"rehearsal": True, "banner": "rehearsal: no human read these"}
    text = methods(result)
    assert text.startswith("**rehearsal: no human read these**") and "3 simulated readers" in text


def test_what_weakens_a_study_is_said(result: Json) -> None:
    result["about"]["made"]["held_out"] = False
    result["about"] |= {"missing": {"reader-2": 7}, "recognised": 3}
    result["all"]["verdict"] = "undecided"
    text = methods(result)
    assert (
        "not known to be held out" in text
        and "reader-2 had 7 to go, practice included" in text
        and "Each was to judge 150" in text
    )
    assert "In 3 answers a reader knew the scan" in text
    assert "neither a difference nor its absence is shown" in text


def test_one_reader_is_one_reader_and_other_designs_have_their_own_words(result: Json) -> None:
    result["about"] |= {"readers": 1, "asked": 1, "design": "diagnosis"}
    result["all"] = {"difference": INTERVAL, "real": INTERVAL, "synthetic": INTERVAL, "verdict": "different"}
    text = methods(result)
    assert "1 reader said of each scan whether" in text and "minus accuracy on real scans was 0.50" in text
    result["about"]["design"] = "yes-no"
    result["all"] = {k: INTERVAL for k in ("auc", "hit_rate", "false_alarm_rate")} | {"verdict": "above chance"}
    text = methods(result)
    assert "The reader's AUC was 0.50" in text and "for this reader alone" in text and "this reader can tell" in text
    assert "readers" not in text.replace("for other readers", "") and "Gwet" not in text


def test_who_was_asked_how_scans_lay_and_what_their_anatomy_scored(result: Json) -> None:
    assert "with the patient's left on the right (radiological convention)" in methods(result)
    assert "anatomy" not in methods(result)
    result["about"] |= {"readers": 2, "anatomy": ["impossible", "faults", "a fault", "a doubt", "real"]}
    result["anatomy"] = {k: INTERVAL for k in ("real", "synthetic", "difference")}
    text = methods(result)
    assert "2 readers (of 3 asked)" in text and "from 1 (impossible) to 5 (real)" in text
    assert "The anatomy of real scans scored 0.50" in text
