"""Reading a learning curve."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

SLOW = [
    {"step": 10, "core_seconds": 100.0, "l1": 0.3},
    {"step": 20, "core_seconds": 200.0, "l1": 0.2},
    {"step": 40, "core_seconds": 400.0, "l1": 0.1},
]
FAST = [
    {"step": 100, "core_seconds": 25.0, "l1": 0.25, "psnr_db": 12.0},
    {"step": 200, "core_seconds": 50.0, "l1": 0.11, "psnr_db": 19.0},
    {"step": 400, "core_seconds": 80.0, "l1": 0.09, "psnr_db": 21.0},
    {"step": 800, "core_seconds": 200.0, "l1": 0.12},
]


@pytest.fixture(scope="session")
def curves(part: Callable[[str], ModuleType]) -> ModuleType:
    return part("autoencoder/curves")


@pytest.mark.parametrize(("level", "seconds"), [(0.3, 25.0), (0.11, 50.0), (0.1, 80.0), (0.05, None)])
def test_a_level_is_reached_at_the_first_point_that_is_as_good(
    curves: ModuleType, level: float, seconds: float | None
) -> None:
    assert curves.first_reaching(FAST, "l1", level) == seconds


def test_of_psnr_more_is_better_and_points_without_it_are_passed_over(curves: ModuleType) -> None:
    assert curves.first_reaching(FAST, "psnr_db", 20.0) == 80.0
    assert curves.first_reaching(SLOW, "psnr_db", 20.0) is None


def test_a_fifth_of_the_compute(curves: ModuleType) -> None:
    # SLOW ends at 0.1 after 400; FAST is there after 80. The other way SLOW is at 0.12 after 400 of 200.
    assert curves.share_of_compute(FAST, SLOW, "l1") == pytest.approx(0.2)
    assert curves.share_of_compute(SLOW, FAST, "l1") == pytest.approx(2.0)
    assert curves.share_of_compute(SLOW[:2], FAST, "l1") is None


def test_points_at_a_step_and_at_a_time(curves: ModuleType) -> None:
    points: list[dict[str, Any]] = FAST
    assert curves.at_step(points, 399) is points[1]
    assert curves.at_step(points, 400) is points[2]
    assert curves.at_seconds(points, 80.0) is points[2]
    assert curves.at_seconds(points, 1e9) is points[3]


def test_no_worse_knows_which_way_a_figure_points(curves: ModuleType) -> None:
    assert curves.is_no_worse("l1_brain", 0.1, 0.1) and not curves.is_no_worse("l1_brain", 0.2, 0.1)
    assert curves.is_no_worse("psnr_brain_db", 30, 29) and not curves.is_no_worse("psnr_brain_db", 28, 29)
