"""How often a client may ask or guess, by a clock that the test turns."""

import pytest

from tlesynth.reader_study.web.rates import Allowance, Guesses


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_client_has_a_burst_and_then_its_rate(clock: Clock) -> None:
    allowance = Allowance(per_second=2, burst=3, clock=clock)
    assert [allowance.wait("a") for _ in range(3)] == [0, 0, 0]
    assert allowance.wait("a") == pytest.approx(0.5)
    assert allowance.wait("b") == 0
    clock.now = 0.5
    assert allowance.wait("a") == 0
    assert allowance.wait("a") > 0
    clock.now = 1000
    assert [allowance.wait("a") == 0 for _ in range(5)] == [True, True, True, False, False]


def test_ten_wrong_secrets_in_a_minute_wait_longer_each_time_and_alone(clock: Clock) -> None:
    guesses = Guesses(most=10, clock=clock)
    for _ in range(9):
        guesses.wrong("a")
    assert guesses.wait("a") == 0
    guesses.wrong("a")
    assert guesses.wait("a") == 60
    assert guesses.wait("b") == 0
    for expected in (120, 240, 480, 960, 1920, 3600, 3600):
        clock.now += guesses.wait("a")
        for _ in range(10):
            guesses.wrong("a")
        assert guesses.wait("a") == expected


def test_slow_guesses_are_not_counted_together(clock: Clock) -> None:
    guesses = Guesses(most=10, clock=clock)
    for _ in range(40):
        guesses.wrong("a")
        clock.now += 10
    assert guesses.wait("a") == 0
