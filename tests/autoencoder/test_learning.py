"""Each way of learning draws by its own step count and moves only its own network."""

from pathlib import Path

import pytest
import torch

from tlesynth import recipe
from tlesynth.autoencoder.learning import Networks, build_networks, learners_of
from tlesynth.autoencoder.objective import objective_of
from tlesynth.autoencoder.scans import read_scans
from tlesynth.data.cohort import read_cohort
from tlesynth.training import Learner, fabric_for


@pytest.fixture
def built(cohort: tuple[Path, Path], settings: recipe.Autoencoder) -> tuple[Networks, dict[str, Learner]]:
    fabric, read = fabric_for("cpu", "32-true"), read_cohort(cohort[0])
    scans = read_scans(read, cohort[1], "gen_train")
    networks = build_networks(settings, scans, read.grid, fabric, seed=3)
    return networks, learners_of(networks, scans, objective_of(settings, fabric.device), settings, seed=3)


def test_initial_weights_come_from_the_seed_alone(cohort: tuple[Path, Path], settings: recipe.Autoencoder) -> None:
    fabric, read = fabric_for("cpu", "32-true"), read_cohort(cohort[0])
    scans, grid = read_scans(read, cohort[1], "gen_train"), read.grid
    torch.manual_seed(99)
    first = build_networks(settings, scans, grid, fabric, seed=3).bare.fingerprint
    torch.manual_seed(7)
    assert build_networks(settings, scans, grid, fabric, seed=3).bare.fingerprint == first
    assert build_networks(settings, scans, grid, fabric, seed=4).bare.fingerprint != first


@pytest.mark.parametrize("way", ["reconstruction", "finetuning", "discriminator"])
def test_a_step_is_the_same_whenever_it_is_taken(built: tuple[Networks, dict[str, Learner]], way: str) -> None:
    learner = built[1][way]
    first, other = learner.loss(4)["loss"].item(), learner.loss(5)["loss"].item()
    assert learner.loss(4)["loss"].item() == first != other


def test_the_loss_is_the_sum_of_its_terms(built: tuple[Networks, dict[str, Learner]]) -> None:
    losses = built[1]["finetuning"].loss(0)
    expected = losses["l1"] + 0.6 * losses["perceptual"] + 1e-6 * losses["kl"] + 0.02 * losses["adversarial"]
    assert losses["loss"].item() == pytest.approx(expected.item(), rel=1e-5)


def test_a_turn_gives_the_other_network_no_gradient(built: tuple[Networks, dict[str, Learner]]) -> None:
    networks, learners = built
    learners["finetuning"].loss(0)["loss"].backward()
    assert all(p.grad is None for p in networks.discriminator.parameters())
    assert all(p.grad is not None for p in networks.autoencoder.parameters())
    networks.autoencoder.zero_grad(set_to_none=True)
    learners["discriminator"].loss(0)["loss"].backward()
    assert all(p.grad is None for p in networks.autoencoder.parameters())
    assert all(p.grad is not None for p in networks.discriminator.parameters())


def test_the_learning_rate_restarts_after_its_period(built: tuple[Networks, dict[str, Learner]]) -> None:
    learner = built[1]["reconstruction"]
    rates = []
    for _ in range(7):  # restart_epochs 1, 2 batches an epoch: periods of 2 and 4 steps
        rates.append(learner.optimizer.param_groups[0]["lr"])
        learner.optimizer.step()
        learner.schedule.step()  # ty: ignore[possibly-missing-attribute]
    top = [round(rate / rates[0], 3) for rate in rates]
    assert [top[0], top[2], top[6]] == [1, 1, 1] and top[1] == pytest.approx(0.5, abs=0.01) and min(top[3:6]) < 0.2
