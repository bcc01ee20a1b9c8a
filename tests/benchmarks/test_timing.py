"""Ratios of core-seconds, and what counts as foreign load."""

import time
from collections.abc import Callable
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def timing(part: Callable[[str], ModuleType]) -> ModuleType:
    return part("harness/timing")


def test_the_ratio_is_that_of_the_medians(timing: ModuleType) -> None:
    # One disturbed run on each side (50 and 9) moves no median: 20 / 2.
    found = timing.ratio([20, 50, 18], [2, 9, 1.5])
    assert found.value == 10


def test_the_range_compares_the_runs_of_one_pass(timing: ModuleType) -> None:
    # Two passes; ours ran twice a pass: pass 1 is 10 / median(1, 3) = 5, pass 2 is 30 / median(5, 5) = 6.
    found = timing.ratio([10, 30], [1, 3, 5, 5])
    assert (found.low, found.high) == (5, 6)


def test_jobs_take_turns(timing: ModuleType) -> None:
    order: list[str] = []
    jobs = [timing.Job("a", lambda: order.append("a")), timing.Job("b", lambda: order.append("b"), repeats=2)]
    timing.interleave(jobs, 2, lambda _: None)
    assert order == ["a", "b", "b", "a", "b", "b"]
    assert [len(job.seconds) for job in jobs] == [2, 4]


def test_sleep_costs_no_core_seconds_and_work_does(timing: ModuleType) -> None:
    def work() -> None:
        end = time.process_time() + 0.2
        while time.process_time() < end:
            pass

    busy, idle = timing.Job("busy", work, scale=3), timing.Job("idle", lambda: time.sleep(0.2))
    timing.interleave([busy, idle], 1, lambda _: None)
    # 0.2 s on one core are 0.1 s of two threads, three volumes make 0.3 s.
    assert busy.median == pytest.approx(0.3, rel=0.1)
    assert idle.median < 0.02


def test_own_work_is_no_foreign_load(timing: ModuleType) -> None:
    # In 10 s two cores were busy for 18 of 20 core-seconds, 5 of them ours.
    assert timing.foreign_cores(10, 18, 5) == pytest.approx(1.3)
    assert timing.foreign_cores(10, 4.99, 5) == 0


def test_load_is_noisy_above_half_a_core(timing: ModuleType) -> None:
    with timing.Load() as load:
        time.sleep(0.05)
    assert load.cores >= 0 and load.wall >= 0.05
    for cores, noisy in ((0.4, False), (0.6, True)):
        load.cores = cores
        assert load.result()["noisy"] is noisy
