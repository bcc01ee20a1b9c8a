"""The calibration finds the scale of a curve that is known, keeps its points, and its network learns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tlesynth import durable
from tlesynth.classifier import severity
from tlesynth.classifier.severity import Point
from tlesynth.classifier.volumetry import auc
from tlesynth.data.simulate import subjects
from tlesynth.data.simulate.crop import SIDE
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Simulate


def point(scale: float, auc: float) -> Point:
    return Point(scale, auc, auc - 0.05, auc + 0.05, 0.75, 0.8, 100, 1.0)


def known_curve(scale: float) -> float:
    return 0.5 + 0.5 * (1 - np.exp(-scale))


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    asked: list[float] = []

    def measured(settings: Simulate, scale: float, **_: object) -> Point:
        asked.append(scale)
        return point(scale, known_curve(scale))

    monkeypatch.setattr(severity, "measure_point", measured)
    return asked


def test_bisection_finds_the_scale(tmp_path: Path, counted: list[float]) -> None:
    result = severity.calibrate(Simulate(), tmp_path, wanted=0.88, subjects=100)
    assert known_curve(result["scale"]) == pytest.approx(0.88, abs=0.015)
    assert counted[0] == 1 and len(counted) <= severity.MOST_POINTS and result["finished"]
    assert [p["scale"] for p in result["curve"]] == sorted(counted)
    assert result == durable.read_json(tmp_path / "calibration.json")


def test_the_same_command_measures_nothing_twice(tmp_path: Path, counted: list[float]) -> None:
    first = severity.calibrate(Simulate(), tmp_path, subjects=100)
    done = len(counted)
    assert severity.calibrate(Simulate(), tmp_path, subjects=100) == first and len(counted) == done
    with pytest.raises(TlesynthError, match="CFG-010"):
        severity.calibrate(Simulate(), tmp_path, subjects=102)


def test_an_interrupted_search_goes_on_from_its_points() -> None:
    points, asked = [], []
    while (scale := severity.next_scale(points, 0.8)) is not None:
        asked.append(scale)
        points.append(point(scale, known_curve(scale)))
        points = points[:]  # as read back from disk
    assert asked[0] == 1 and known_curve(asked[-1]) == pytest.approx(0.8, abs=0.03)


def test_what_cannot_be_reached_is_said() -> None:
    flat = [point(s, 0.6) for s in (1.0, 2.0, 3.0)]
    assert severity.next_scale(flat, 0.88) is None and severity.interpolated(flat, 0.88) is None
    steep = [point(1.0, 0.95), point(0.5, 0.93), point(0.25, 0.91)]
    assert severity.next_scale(steep, 0.6) is None and severity.interpolated(steep, 0.6) is None


def test_a_dip_in_the_curve_does_not_stop_the_search() -> None:
    dipped = [point(1.0, 0.9), point(0.5, 0.8), point(0.75, 0.78)]
    assert severity.next_scale(dipped, 0.88) == pytest.approx(0.875)


def test_too_few_subjects_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TlesynthError, match="CFG-002"):
        severity.calibrate(Simulate(), tmp_path, subjects=10)


def test_the_network_learns_what_one_dark_side_means() -> None:
    rng = np.random.default_rng(1)
    positive = np.arange(80) % 2 == 0
    images = 0.6 + 0.1 * rng.standard_normal((80, 2, *SIDE), np.float32)
    for i in np.flatnonzero(positive):
        images[i, rng.integers(2), 4:10, 6:16, 6:14] -= 0.15
    crops = severity.Crops(torch.from_numpy(images), positive, np.arange(80) // 2 % 2)
    score = severity.train_fold(crops, 0, seed=1)
    again = severity.train_fold(crops, 0, seed=1)
    assert np.array_equal(score, again)
    assert auc(score, positive[crops.fold == 0]) > 0.9


def test_crops_are_the_subject_s_own_and_no_crop_is_drawn_twice() -> None:
    settings = Simulate(n_hc=2, n_tle=2, sites=1, severity_scale=1.0, sclerosis_share=1.0)
    drawn: dict[str, np.ndarray] = {}
    mild = severity.draw_crops(settings, 1, 1, drawn)
    assert len(drawn) == 4
    names = [who.participant_id for who in subjects.design(settings, 1)]
    controls = {name: drawn[name] for name, sick in zip(names, mild.positive, strict=True) if not sick}
    severe = severity.draw_crops(settings.model_copy(update={"severity_scale": 2.0}), 1, 1, controls)
    changed = (mild.images != severe.images).flatten(1).any(1).numpy()
    assert np.array_equal(mild.positive, severe.positive) and np.array_equal(changed, mild.positive)


def test_the_curve_is_told_in_order() -> None:
    lines = severity.table([point(2.0, 0.8), point(1.0, 0.7)]).splitlines()
    assert lines[1].startswith("1 ") and "0.800 [0.750, 0.850]" in lines[2]
