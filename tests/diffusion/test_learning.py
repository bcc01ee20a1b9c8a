"""What training and validation compute: balance, errors that repeat, the gap of a network that knows by heart."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from tlesynth.diffusion import learning
from tlesynth.diffusion.conditions import Condition, Conditions
from tlesynth.diffusion.latents import Latents, read_latents, rows_of
from tlesynth.diffusion.learning import Task, balanced_rows, training_loss, validation
from tlesynth.diffusion.process import process_of
from tlesynth.recipe import Diffusion, Noise
from tlesynth.training import fabric_for

CONDITIONS = Conditions((Condition("group", ("hc", "tle")), Condition("side", ("left", "right"))))
TASK = Task(process_of(Noise()), CONDITIONS, seed=0)


class Knowing(torch.nn.Module):
    """Solves for the noise exactly where a noisy latent stems from one of those it knows."""

    def __init__(self, known: Latents) -> None:
        super().__init__()
        self.known = known.values.float()

    def forward(self, z: Tensor, times: Tensor, conditions: Tensor) -> Tensor:
        signal, noise = TASK.process.scales(times)
        guesses = (z[:, None] - (signal * torch.ones_like(z))[:, None] * self.known) / (noise * torch.ones_like(z))[
            :, None
        ]
        off = (guesses.flatten(2).square().mean(2) - 1).abs()  # the right one leaves noise of unit variance
        return guesses[torch.arange(len(z)), off.argmin(1)]


class Nothing(torch.nn.Module):
    def forward(self, z: Tensor, times: Tensor, conditions: Tensor) -> Tensor:
        return torch.zeros_like(z)


def read(folder: Path, split: str) -> Latents:
    return read_latents(folder, rows_of(folder, folder.parent / "splits.tsv", split), CONDITIONS)


def test_validation_repeats_and_tells_what_was_learnt_by_heart(latents: Path) -> None:
    held_out, fitted = read(latents, "val"), read(latents, "gen_train")
    fabric = fabric_for("cpu", "32-true")
    empty = validation(Nothing(), held_out, fitted, TASK, fabric)()
    assert empty == validation(Nothing(), held_out, fitted, TASK, fabric)()
    assert empty["score"] == pytest.approx(1, abs=0.02) and empty["gap"] == pytest.approx(0, abs=0.03)
    assert set(empty) == {"score", "seen", "gap", "hc", "tle"}
    heart = validation(Knowing(fitted), held_out, fitted, TASK, fabric)()
    assert heart["seen"] < 0.02 and heart["gap"] > 3
    assert validation(Knowing(held_out), held_out, held_out, TASK, fabric)()["score"] < 0.02


def test_balanced_rows_repeat_the_rare() -> None:
    rows = balanced_rows(torch.tensor([0.0, 0.0, 0.0, 0.0, 1.0, torch.nan]))
    assert np.bincount(rows).tolist() == [1, 1, 1, 1, 4, 4]


def test_the_loss_of_a_step_repeats_and_steps_differ(latents: Path) -> None:
    loss = training_loss(
        Nothing(), read(latents, "gen_train"), TASK, Diffusion(batch_size=4), fabric_for("cpu", "32-true")
    )
    values = [float(next(loss(step))["loss"]) for step in (0, 0, 1)]
    assert values[0] == values[1] != values[2] and values[0] == pytest.approx(1, abs=0.2)


def test_drawn_ahead_a_step_sees_what_it_would_see_in_time(latents: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, settings = read(latents, "gen_train"), Diffusion(batch_size=4, latents="resample")
    data = replace(data, logvar=torch.full_like(data.values, -1.0))

    def losses(threads: int) -> list[float]:
        monkeypatch.setattr(learning, "threads_beside", lambda device: threads)
        loss = training_loss(Nothing(), data, TASK, settings, fabric_for("cpu", "32-true"))
        return [float(next(loss(step))["loss"]) for step in range(5)]

    assert losses(0) == losses(2)
