"""Each way of learning draws by its own step count and moves only its own network."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torchvision.models import alexnet, squeezenet1_1

from tlesynth import recipe
from tlesynth.autoencoder.discriminator import PatchDiscriminator
from tlesynth.autoencoder.learning.learners import Networks, build_networks, learners_of
from tlesynth.autoencoder.learning.objective import objective_of
from tlesynth.autoencoder.scans import read_scans
from tlesynth.data.cohort import read_cohort
from tlesynth.errors import TlesynthError
from tlesynth.recipe.autoencoder import LEAST_SIDE
from tlesynth.training import Learner, fabric_for
from tlesynth.training.step import take_step


@pytest.fixture
def built(cohort: tuple[Path, Path], settings: recipe.Autoencoder) -> tuple[Networks, dict[str, Learner]]:
    return build(cohort, settings)


def build(cohort: tuple[Path, Path], settings: recipe.Autoencoder) -> tuple[Networks, dict[str, Learner]]:
    fabric, read = fabric_for("cpu", "32-true"), read_cohort(cohort[0])
    scans = read_scans(read, cohort[1], "gen_train")
    networks = build_networks(settings, scans, read.grid, fabric, seed=3)
    return networks, learners_of(networks, scans, objective_of(settings, read.grid, fabric.device), settings, seed=3)


def test_initial_weights_come_from_the_seed_alone(cohort: tuple[Path, Path], settings: recipe.Autoencoder) -> None:
    fabric, read = fabric_for("cpu", "32-true"), read_cohort(cohort[0])
    scans, grid = read_scans(read, cohort[1], "gen_train"), read.grid
    torch.manual_seed(99)
    first = build_networks(settings, scans, grid, fabric, seed=3).bare.fingerprint
    torch.manual_seed(7)
    assert build_networks(settings, scans, grid, fabric, seed=3).bare.fingerprint == first
    assert build_networks(settings, scans, grid, fabric, seed=4).bare.fingerprint != first


def terms_of(learner: Learner, step: int) -> dict[str, torch.Tensor]:
    """The figures of a step that is taken in one part."""
    (terms,) = learner.loss(step)
    return terms


@pytest.mark.parametrize("way", ["reconstruction", "finetuning", "discriminator_alone"])
def test_a_step_is_the_same_whenever_it_is_taken(built: tuple[Networks, dict[str, Learner]], way: str) -> None:
    learner = built[1][way]
    first, other = terms_of(learner, 4)["loss"].item(), terms_of(learner, 5)["loss"].item()
    assert terms_of(learner, 4)["loss"].item() == first != other


def test_in_turns_nothing_is_kept_for_the_discriminator(built: tuple[Networks, dict[str, Learner]]) -> None:
    terms_of(built[1]["finetuning"], 3)
    assert list(built[1]["discriminator"].loss(3)) == []


def test_the_discriminator_follows_on_what_fine_tuning_has_seen(
    cohort: tuple[Path, Path], settings: recipe.Autoencoder
) -> None:
    phase = settings.adversarial_phase.model_copy(update={"schedule": "joint", "rounds": 1})
    networks, learners = build(cohort, settings.model_copy(update={"adversarial_phase": phase}))
    assert list(learners["discriminator"].loss(0)) == []
    torch.nn.init.zeros_(list(networks.autoencoder.parameters())[-1])
    terms_of(learners["finetuning"], 3)
    seen: list[torch.Tensor] = []
    networks.discriminator.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    terms_of(learners["discriminator"], 3)
    scans = learners["finetuning"].samples
    assert scans is not None and learners["discriminator"].samples is not None
    assert scans(3) == learners["discriminator"].samples(3)
    x, x_hat = seen
    (part,) = learners["finetuning"].loss(3)
    assert part["l1"].item() == pytest.approx((x - x_hat).abs().mean().item(), rel=1e-5)
    assert not x_hat.requires_grad


def test_the_loss_is_the_sum_of_its_terms(built: tuple[Networks, dict[str, Learner]]) -> None:
    losses = terms_of(built[1]["finetuning"], 0)
    expected = losses["l1"] + 0.6 * losses["perceptual"] + 1e-6 * losses["kl"] + 0.02 * losses["adversarial"]
    assert losses["loss"].item() == pytest.approx(expected.item(), rel=1e-5)


def test_a_turn_gives_the_other_network_no_gradient(built: tuple[Networks, dict[str, Learner]]) -> None:
    networks, learners = built
    terms_of(learners["finetuning"], 0)["loss"].backward()
    assert all(p.grad is None for p in networks.discriminator.parameters())
    assert all(p.grad is not None for p in networks.autoencoder.parameters())
    networks.autoencoder.zero_grad(set_to_none=True)
    terms_of(learners["discriminator_alone"], 0)["loss"].backward()
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


@pytest.mark.parametrize("way", ["reconstruction", "finetuning", "discriminator_alone"])
def test_accumulated_batches_make_the_step_of_one_large_batch(
    cohort: tuple[Path, Path], settings: recipe.Autoencoder, way: str
) -> None:
    fabric, read = fabric_for("cpu", "32-true"), read_cohort(cohort[0])
    scans = read_scans(read, cohort[1], "gen_train")
    found = []
    for batch_size, accumulate in ((2, 1), (1, 2)):
        first = settings.reconstruction.model_copy(update={"batch_size": batch_size, "accumulate": accumulate})
        same = settings.model_copy(update={"reconstruction": first})
        networks = build_networks(same, scans, read.grid, fabric, seed=3)
        learner = learners_of(networks, scans, objective_of(same, read.grid, fabric.device), same, seed=3)[way]
        figures = [take_step(fabric, learner).figures for _ in range(3)]  # 3 scans: steps of 2, 1 and 2
        found.append((figures, [p.detach().clone() for p in learner.network.parameters()]))
    (whole, weights), (parts, same_weights) = found
    for one, other in zip(whole, parts, strict=True):
        assert other == pytest.approx(one, rel=2e-3)
    # Adam divides by the size of the gradient: where that is rounding alone, so is the step (1e-3 at most, 3 times).
    far = [float((a - b).abs().mean()) for a, b in zip(weights, same_weights, strict=True)]
    assert max(far) < 2e-4


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"crop": (20, 24, 24)}, r"CFG-003.*crop.*do not fit together.*the grid test-6mm has \(20, 24, 20\)"),
        ({"adversarial_phase": {"discriminator_layers": 3}}, r"CFG-003.*grid test-6mm.*20 voxels.*layers need 24"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(
    cohort: tuple[Path, Path], settings: recipe.Autoencoder, changes: dict[str, object], words: str
) -> None:
    other = recipe.Autoencoder.model_validate(settings.model_dump() | changes)
    fabric, read = fabric_for("cpu", "32-true"), read_cohort(cohort[0])
    scans = read_scans(read, cohort[1], "gen_train")
    with pytest.raises(TlesynthError, match=words):
        build_networks(other, scans, read.grid, fabric, seed=3)


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_the_least_side_is_the_discriminators(layers: int) -> None:
    phase = recipe.AdversarialPhase(discriminator_layers=layers, discriminator_channels=2)
    network, side = PatchDiscriminator(phase), phase.least_side
    assert network(torch.rand(1, 1, side, side, side))[-1].shape == (1, 1, 1, 1, 1)
    with pytest.raises((RuntimeError, ValueError)):
        network(torch.rand(1, 1, side - 4, side - 4, side - 4))


@pytest.mark.parametrize(
    ("perceptual", "trunk"),
    [("lpips-squeeze", lambda: squeezenet1_1().features), ("lpips-alex", lambda: alexnet().features[:12])],
)
def test_the_least_side_is_the_feature_networks(perceptual: str, trunk: Callable[[], torch.nn.Module]) -> None:
    with torch.device("meta"):
        network, side = trunk(), LEAST_SIDE[perceptual]
        assert network(torch.empty(1, 3, side, side)).shape[2:] == (1, 1)
        with pytest.raises(RuntimeError):
            network(torch.empty(1, 3, side - 1, side - 1))
