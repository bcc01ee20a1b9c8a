"""Both schedules are lists of turns, and the rates fit them."""

import pytest
import torch

from tlesynth import recipe
from tlesynth.autoencoder.learning.schedule import (
    ADVERSARIAL,
    RECONSTRUCTION,
    SETTLED_STEPS,
    WARMUP,
    finetuning_rate,
    reconstruction_rate,
    segments_of,
    steps_per_epoch,
)
from tlesynth.training.loop import RUNNING_DECAY


def settings(**adversarial: object) -> recipe.Autoencoder:
    return recipe.Autoencoder.model_validate({"adversarial_phase": adversarial})


def test_the_papers_schedule_is_a_list_of_turns() -> None:
    segments = segments_of(recipe.Autoencoder(), epoch=10)
    assert len(segments) == 1 + 2 * 65
    assert (segments[0].learner, segments[0].steps, segments[0].phase) == ("reconstruction", 1000, RECONSTRUCTION)
    assert [(s.learner, s.steps) for s in segments[1:3]] == [("discriminator_alone", 20), ("finetuning", 20)]
    assert {(s.stop_metric, s.stop_below) for s in segments if s.learner == "finetuning"} == {("adversarial", 0.1)}
    assert segments[1].phase == WARMUP and {s.phase for s in segments[2:]} == {ADVERSARIAL}
    assert {s.learner for s in segments if not s.validated} == {"discriminator_alone"}


def test_the_joint_schedule_warms_the_discriminator_up_and_then_moves_both() -> None:
    joint = settings(schedule="joint", rounds=1, discriminator_steps=7, autoencoder_epochs=3)
    first, alone, both = segments_of(joint, epoch=10)
    assert (alone.learner, alone.then, alone.steps, alone.phase) == ("discriminator_alone", (), 7, WARMUP)
    assert (both.learner, both.then, both.steps, both.phase) == ("finetuning", ("discriminator",), 30, ADVERSARIAL)
    assert (both.stop_metric, first.steps) == ("", 1000)
    late = settings(schedule="joint", rounds=1, discriminator_epochs=0)
    assert [segment.name for segment in segments_of(late, epoch=10)] == ["reconstruction", "joint"]


def test_a_turn_may_end_once_its_running_mean_is_one() -> None:
    """After 35 steps it has half its weight; a short turn waits for half of its own steps."""
    for bound, least in ((200, 35), (70, 35), (20, 10), (3, 2), (1, 1)):
        turn = segments_of(settings(rounds=1, autoencoder_steps=bound), epoch=10)[-1]
        assert (turn.steps, turn.least_steps) == (bound, least)
    forgotten = RUNNING_DECAY**SETTLED_STEPS
    assert forgotten == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("schedule", ["alternating", "joint"])
def test_no_rounds_leave_the_phase_out(schedule: str) -> None:
    assert [s.name for s in segments_of(settings(schedule=schedule, rounds=0), epoch=10)] == [RECONSTRUCTION]


def test_steps_win_over_epochs() -> None:
    second = settings(rounds=2, discriminator_steps=3, autoencoder_steps=4)
    assert [s.steps for s in segments_of(second, epoch=10)] == [1000, 3, 4, 3, 4]


def test_an_epoch_counts_steps_of_accumulated_batches() -> None:
    first = recipe.Autoencoder.model_validate({"reconstruction": {"batch_size": 2, "accumulate": 3}})
    assert [steps_per_epoch(first, scans) for scans in (6, 7, 12, 2832)] == [1, 2, 2, 472]
    assert steps_per_epoch(recipe.Autoencoder(), 2832) == 1416


def test_rates_decay_over_their_phase() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1e-3)
    first = {"reconstruction": {"steps": 5, "decay": "cosine", "warmup_steps": 2}}
    schedule = reconstruction_rate(optimizer, recipe.Autoencoder.model_validate(first), epoch=10)
    assert schedule is not None
    rates = []
    for _ in range(5):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert rates == pytest.approx([5e-4, 1e-3, 1e-3, (1e-3 + 1e-6) / 2, 1e-6])
    assert finetuning_rate(optimizer, recipe.Autoencoder(), epoch=10) is None
