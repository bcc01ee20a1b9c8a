"""Progress lines."""

import threading

import pytest

from tlesynth import progress


@pytest.mark.parametrize(
    ("seconds", "text"), [(3.4, "3 s"), (185, "3 min 05 s"), (7800, "2 h 10 min"), (900_000, "10 days")]
)
def test_times_are_written_for_people(seconds: float, text: str) -> None:
    assert progress.clock(seconds) == text


def test_off_a_terminal_the_last_step_is_a_plain_line_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(progress.track(range(3), "reading", 3)) == [0, 1, 2]
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err == "reading: 3/3, done in 0 s\n"


def test_a_resumed_bar_reckons_its_pace_from_what_it_did_itself() -> None:
    bar = progress.Bar("x", 100, done=90)
    bar.start -= 10
    bar.done = 95
    assert bar._eta(bar.start + 10) == "10 s left"


def test_nothing_to_do_is_not_a_division_by_zero(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(progress.track([], "none", 0)) == []


def test_hushed_threads_that_end_out_of_turn_leave_nobody_silent(capsys: pytest.CaptureFixture[str]) -> None:
    first_in, second_in, first_out = (threading.Event() for _ in range(3))

    def first() -> None:
        with progress.hushed():
            first_in.set()
            second_in.wait(10)
            progress.say("first")
        first_out.set()

    def second() -> None:
        first_in.wait(10)
        with progress.hushed():
            second_in.set()
            first_out.wait(10)
            progress.say("second")

    threads = [threading.Thread(target=one) for one in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    progress.say("here")
    assert capsys.readouterr().err == "here\n" and not progress.silent()
