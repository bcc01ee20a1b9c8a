"""What is drawn ahead is what would be drawn in time, whatever the order of the steps."""

import threading

import pytest
import torch

from tlesynth.training.ahead import MOST_THREADS, Ahead, threads_beside


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_every_step_gets_its_own(threads: int) -> None:
    def draw(step: int) -> torch.Tensor:
        return torch.randn(3, generator=torch.Generator().manual_seed(step))

    ahead = Ahead(draw, threads)
    for step in (0, 1, 2, 7, 8, 3, 4):  # a resumed run starts anywhere
        assert torch.equal(ahead(step), draw(step))


def test_the_steps_to_come_are_made_by_others_and_once() -> None:
    made, done = list[tuple[int, str]](), threading.Event()

    def draw(step: int) -> int:
        made.append((step, threading.current_thread().name))
        if len(made) == 3:
            done.set()
        return step

    ahead = Ahead(draw, 2)
    assert ahead(0) == 0 and done.wait(10)
    assert sorted(step for step, _ in made) == [0, 1, 2]
    assert all(name.startswith("draws") for _, name in made)
    assert ahead(1) == 1 and ahead(2) == 2
    assert sorted(step for step, _ in made)[:3] == [0, 1, 2]


def test_a_fault_is_raised_at_its_step() -> None:
    def draw(step: int) -> int:
        if step == 1:
            raise RuntimeError("step 1")
        return step

    ahead = Ahead(draw, 2)
    assert ahead(0) == 0
    with pytest.raises(RuntimeError, match="step 1"):
        ahead(1)


def test_a_processor_that_trains_draws_for_itself() -> None:
    assert threads_beside(torch.device("cpu")) == 0
    assert 0 <= threads_beside(torch.device("cuda")) <= MOST_THREADS
