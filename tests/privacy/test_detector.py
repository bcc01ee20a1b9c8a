"""Planted copies are found, new people are not, and too few scans are refused."""

from pathlib import Path

import numpy as np
import pytest

from tlesynth.privacy.detector import Detector, detector_of, threshold_of
from tlesynth.privacy.planting import PLANTS
from tlesynth.recipe import Privacy

from .people import GRID, cohort_of, person

TRAINING, HELD_OUT = 16, 6


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Detector:
    cohort = cohort_of(tmp_path_factory.mktemp("people"), TRAINING, HELD_OUT)
    made = detector_of(cohort, cohort.ids[:TRAINING], cohort.ids[TRAINING : TRAINING + HELD_OUT], Privacy(planted=6), 1)
    assert isinstance(made, Detector)
    return made


@pytest.mark.parametrize("kind", PLANTS)
def test_planted_copies_of_each_kind_are_found(detector: Detector, kind: str) -> None:
    assert detector.recall[kind]["value"] == 1.0 and detector.recall[kind]["n"] == 6
    assert detector.recall[kind]["low"] == pytest.approx(0.025 ** (1 / 6), abs=1e-4)


def test_new_people_are_no_copies_beyond_the_rate_of_false_alarms(detector: Detector) -> None:
    flagged = sum(detector.judge(person(n), GRID).copy for n in range(100, 130))
    assert detector.calibration["false_alarms"] == pytest.approx(1 / 23)
    assert flagged <= 4  # of 30 at 1 in 23: more has a chance of 1 %


def test_a_copy_names_the_scan_it_copies(detector: Detector) -> None:
    found = detector.judge(person(5), GRID)
    assert found.copy and found.nearest == 5 and found.similarity == pytest.approx(1, abs=1e-3)


def test_three_training_scans_are_refused_in_words(tmp_path: Path) -> None:
    cohort = cohort_of(tmp_path, 3, 1)
    assert detector_of(cohort, cohort.ids[:3], [], Privacy(), 1) == "3 training scans; at least 6 are needed"


def test_the_threshold_is_what_so_many_scores_can_promise() -> None:
    scores = np.random.default_rng(0).permutation(199).astype(float)
    assert threshold_of(scores, 0.01) == (197.0, 0.01)
    assert threshold_of(scores[:19], 0.01) == (scores[:19].max(), 0.05)


def test_what_decides_a_copy_is_in_the_fingerprint(detector: Detector, tmp_path: Path) -> None:
    cohort = cohort_of(tmp_path, 7, 1)
    prints = [
        made.fingerprint
        for settings in (Privacy(planted=1), Privacy(planted=2, gate="report"), Privacy(planted=1, false_alarms=0.2))
        if isinstance(made := detector_of(cohort, cohort.ids[:7], [], settings, 1), Detector)
    ]
    assert prints[0] == prints[1] != prints[2]


def test_patients_calibrate_and_are_planted_though_controls_come_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cohort = cohort_of(tmp_path, 20, 20)
    cohort.participants["group"] = ["hc" if n % 20 < 10 else "tle" for n in range(len(cohort.ids))]
    read: list[str] = []
    monkeypatch.setattr(type(cohort), "volume", lambda self, name: read.append(name) or person(int(name[4:])))
    made = [
        detector_of(cohort, trained, held_out, Privacy(planted=4, calibrated=10), 1)
        for trained, held_out in ((cohort.ids[:20], cohort.ids[20:40]), (cohort.ids[19::-1], cohort.ids[39:19:-1]))
    ]
    assert isinstance(made[0], Detector) and isinstance(made[1], Detector)
    assert made[0].fingerprint == made[1].fingerprint and made[0].threshold == pytest.approx(made[1].threshold)
    held_out = [name for name in read[:30] if int(name[4:]) >= 20]
    assert sum(cohort.participants["group"].loc[held_out] == "tle") == 5 and len(held_out) == 10
    assert made[0].recall == made[1].recall
