"""The planner counts what a real step keeps, grows with the volume, and its advice helps."""

from functools import cache

import pytest
import torch

from tlesynth import recipe
from tlesynth.autoencoder import memory
from tlesynth.autoencoder.discriminator import PatchDiscriminator
from tlesynth.autoencoder.learning import losses
from tlesynth.autoencoder.memory import CARDS, Memory, decoding_memory, thriftier
from tlesynth.autoencoder.networks import Autoencoder, channels_last
from tlesynth.training.footprint import footprint
from tlesynth.training.optimizers import optimizer_of
from tlesynth.volume import GRIDS, Grid

SMALL = Grid("small", (24, 32, 24), 3.0, (0.0, 0.0, 0.0))
LARGE = Grid("large", (48, 64, 48), 3.0, (0.0, 0.0, 0.0))
TWICE = Grid("twice", (96, 64, 48), 3.0, (0.0, 0.0, 0.0))
DESIGNS = [
    {"design": "monai", "channels": [8, 8, 16], "norm_groups": 4},
    {"design": "lean", "channels": [8, 16], "norm_groups": 4},
]


training_memory = cache(memory.training_memory)
"""Several tests ask for the same step."""


def settings_of(network: dict, **others: object) -> recipe.Autoencoder:
    phase = {"rounds": 0}
    return recipe.Autoencoder.model_validate(
        {"network": network, "perceptual": "none", "adversarial_phase": phase, **others}
    )


@pytest.mark.parametrize("design", DESIGNS, ids=["monai", "lean"])
def test_it_is_what_a_real_step_takes(design: dict) -> None:
    settings = settings_of(design)
    network = channels_last(Autoencoder(settings.network, SMALL))
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    held = [t for p in network.parameters() for t in (p, p.grad)] + list(network.buffers())

    batch = []

    def step() -> torch.Tensor:
        x = torch.rand(2, 1, *SMALL.shape).contiguous(memory_format=torch.channels_last_3d)
        batch.append(x)  # as the loop holds it, whether or not the backward pass needs it
        made = network(x, torch.zeros(2, *network.latent_shape))
        return losses.l1(x, made.x_hat) + losses.kl(made.mean, made.logvar)

    real, counted = footprint(step, held), training_memory(settings, SMALL, "32-true")
    assert counted.kept == real.kept
    assert counted.kept + counted.passing == pytest.approx(real.peak, rel=0.05)
    buffers, opponent = (sum(t.nbytes for t in ts) for ts in (network.buffers(), opponent_of(settings).parameters()))
    # Weights, gradients and two moments; the opponent stands there but never learns.
    assert counted.resident == 4 * bytes_of(network) + buffers + opponent


def opponent_of(settings: recipe.Autoencoder) -> torch.nn.Module:
    return PatchDiscriminator(settings.adversarial_phase)


def bytes_of(network: torch.nn.Module) -> int:
    return sum(p.nbytes for p in network.parameters())


@pytest.mark.parametrize("kind", ["adamw", "muon"])
def test_what_optimisers_keep_is_what_they_hold_after_a_step(kind: str) -> None:
    against = {"rounds": 1, "discriminator_channels": 16, "discriminator_layers": 1}
    settings = settings_of(
        {"channels": [16, 16, 32], "norm_groups": 4}, optimizer=kind, adversarial_phase=against, ema_decay=0.9
    )
    networks = [Autoencoder(settings.network, SMALL), opponent_of(settings)]
    held = []
    for network in networks:
        optimizer = optimizer_of(network, kind, 1e-3, 0.0)
        for parameter in network.parameters():
            parameter.grad = torch.zeros_like(parameter)
        optimizer.step()
        states = [v for state in optimizer.state.values() for k, v in state.items() if k != "step"]
        held.append(sum(v.nbytes for v in states))
    buffers = sum(b.nbytes for n in networks for b in n.buffers())
    own, other = (bytes_of(n) for n in networks)
    # The autoencoder is used by two optimisers and averaged.
    wanted = 3 * own + 2 * held[0] + 2 * other + held[1] + 2 * buffers
    assert training_memory(settings, SMALL, "32-true").resident == wanted


def test_the_joint_schedule_keeps_every_part_of_a_step_for_the_discriminator() -> None:
    def peak(schedule: str, accumulate: int) -> int:
        against = {"rounds": 1, "schedule": schedule, "discriminator_channels": 4, "discriminator_layers": 1}
        given = {"batch_size": 1, "accumulate": accumulate}
        found = training_memory(
            settings_of(DESIGNS[0], adversarial_phase=against, reconstruction=given), SMALL, "32-true"
        )
        return found.kept + found.passing

    volume, noise = 4 * 24 * 32 * 24, 4 * 4 * 6 * 8 * 6
    # A further part: its volume and its noise, and in the joint schedule its reconstruction.
    assert peak("alternating", 3) - peak("alternating", 1) == 2 * (volume + noise)
    assert peak("joint", 3) - peak("joint", 1) == 2 * (2 * volume + noise)


@pytest.mark.parametrize("design", DESIGNS, ids=["monai", "lean"])
def test_activations_are_linear_in_voxels(design: dict) -> None:
    settings = settings_of(design)
    small, large = (training_memory(settings, grid, "bf16-mixed") for grid in (LARGE, TWICE))
    assert large.kept == pytest.approx(2 * small.kept, rel=0.02)
    assert large.passing == pytest.approx(2 * small.passing, rel=0.02)
    assert large.resident == small.resident


def test_every_part_of_the_recipe_is_counted() -> None:
    plain = settings_of(DESIGNS[0])
    one = training_memory(plain, SMALL, "32-true")
    average = training_memory(settings_of(DESIGNS[0], ema_decay=0.9), SMALL, "32-true")
    assert average.resident > one.resident
    against = settings_of(
        DESIGNS[0], adversarial_phase={"rounds": 1, "discriminator_channels": 4, "discriminator_layers": 1}
    )
    assert training_memory(against, SMALL, "32-true").kept > one.kept
    lpips = settings_of(DESIGNS[0], perceptual="lpips-alex")
    assert training_memory(lpips, LARGE, "32-true").resident > one.resident


def test_the_advice_takes_less_and_less() -> None:
    settings = settings_of(DESIGNS[0])
    totals, words = [training_memory(settings, LARGE, "bf16-mixed").total], []
    for other, told in thriftier(settings, LARGE):
        totals.append(training_memory(other, LARGE, "bf16-mixed").total)
        words.append(told)
        # What is told is what was counted.
        overrides = ["autoencoder.perceptual=none", *told.split()]
        loaded = recipe.load("paper", overrides).autoencoder
        assert loaded.reconstruction == other.reconstruction and loaded.crop == other.crop
    assert totals == sorted(totals, reverse=True) and len(set(totals)) == 4
    assert "checkpoint_activations=true" in words[1] and "crop=[24,32,24]" in words[2]


def test_a_card_holds_what_is_smaller_than_it() -> None:
    held = Memory(resident=2 * 2**30, kept=6 * 2**30, passing=2**30, workspace=2**29)
    assert [held.fits(card) for card in CARDS] == [False, True, True, True]


def test_decoding_a_whole_paper_volume_takes_gigabytes_and_tiles_take_less() -> None:
    network, grid = recipe.AutoencoderNetwork(), GRIDS["mni-1.5mm"]
    whole = decoding_memory(network, recipe.Inference(), grid)
    tiled = decoding_memory(network, recipe.Inference(tile=(16, 16, 16), overlap=8), grid)
    assert 1.0 < whole.passing / 2**30 < 3.0
    assert tiled.passing < 0.5 * whole.passing
