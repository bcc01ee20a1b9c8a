"""Laws of every process: z_t and the target give back both parts, the floor is what the best prediction reaches."""

import pytest
import torch
from torch import Tensor

from tlesynth.diffusion.process import squared_error

from ..gaussian import KINDS, T, level, process

SHAPE = (5, 2, 4, 5, 4)
TIMES = [0.0, 1.0, 300.0, 700.0, 999.0]


@pytest.fixture
def parts() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(SHAPE, generator=generator), torch.randn(SHAPE, generator=generator)


@pytest.mark.parametrize("kind", KINDS)
def test_noisy_latents_follow_the_closed_form(kind: str, parts: tuple[Tensor, Tensor]) -> None:
    clean, noise = parts
    noisy = process(kind).noisy(clean, noise, torch.tensor(TIMES))
    for i, time in enumerate(TIMES):
        a, b = level(kind, time)
        assert torch.allclose(noisy[i], a * clean[i] + b * noise[i], atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_noisy_latent_and_target_give_back_both_parts(kind: str, parts: tuple[Tensor, Tensor]) -> None:
    clean, noise, it, times = *parts, process(kind), torch.tensor(TIMES)
    noisy, target = it.noisy(clean, noise, times), it.target(clean, noise, times)
    assert torch.allclose(it.clean_of(noisy, target, times), clean, atol=2e-4)
    assert torch.allclose(it.noise_of(noisy, target, times), noise, atol=2e-4)


def test_the_three_predictions_are_the_same_knowledge(parts: tuple[Tensor, Tensor]) -> None:
    clean, noise, times = *parts, torch.tensor(TIMES)
    epsilon, velocity = process("epsilon"), process("v_prediction")
    noisy = epsilon.noisy(clean, noise, times)
    guess = torch.full_like(noise, 0.3)  # any prediction of eps, however wrong
    as_clean = epsilon.clean_of(noisy, guess, times)
    as_velocity = velocity.target(as_clean, guess, times)
    assert torch.allclose(velocity.noise_of(noisy, as_velocity, times), guess, atol=2e-3)
    assert torch.allclose(velocity.clean_of(noisy, as_velocity, times), as_clean, rtol=1e-4, atol=1e-4)
    flow = process("flow")
    noisy = flow.noisy(clean, noise, times)
    as_flow = flow.target(flow.clean_of(noisy, guess, times), flow.noise_of(noisy, guess, times), times)
    assert torch.allclose(as_flow, guess, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_the_ends_of_the_way(kind: str, parts: tuple[Tensor, Tensor]) -> None:
    clean, noise, it = *parts, process(kind)
    way = it.way(7)
    assert len(way) == 8
    assert [it.noise_time(way[0]), it.noise_time(way[-1])] == [1, 0]
    assert way[-1] == it.clean_time
    assert torch.equal(it.noisy(clean, noise, torch.full((5,), way[-1])), clean)
    assert torch.allclose(it.noisy(clean, noise, torch.full((5,), way[0])), noise, atol=0.04)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_unseen_does_not_move_the_noisy_latent_and_adds_up(kind: str) -> None:
    it, times, variance = process(kind), torch.tensor(TIMES), torch.tensor([0.01, 0.25, 4.0])
    clean, noise = it.unseen(times, variance)
    assert it.noisy(clean, noise, times).abs().max() < 1e-6
    a, b = it.scales(times)
    seen = a * variance / (a**2 * variance + b**2).sqrt()  # standard deviation of E[z_0 | z_t]
    assert torch.allclose(clean**2 + seen**2, variance.expand_as(clean), rtol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_the_floor_of_resampled_latents_is_what_the_best_prediction_reaches(kind: str) -> None:
    it, variance = process(kind), 0.3
    generator = torch.Generator().manual_seed(1)
    clean = variance**0.5 * torch.randn(200_000, 1, 1, 1, 1, generator=generator)  # the posterior's mean is known: 0
    noise = torch.randn(clean.shape, generator=generator)
    times = it.moments(T).repeat(len(clean) // T)
    a, b = it.scales(times)
    unit = it.noisy(clean, noise, times) / (a**2 * variance + b**2)  # everything is Gaussian: the best guess is linear
    best = it.target(a * variance * unit, b * unit, times)
    reached = squared_error(best, it.target(clean, noise, times)).mean()
    assert it.posterior_floor(torch.full((2, 3), variance)) == pytest.approx(float(reached), rel=0.02)
    assert it.posterior_floor(torch.full((2, 3), 1e-9)) < 1e-3


@pytest.mark.parametrize("kind", KINDS)
def test_moments_are_evenly_spread(kind: str) -> None:
    assert process(kind).moments(4).tolist() == [125, 375, 625, 875]
    assert torch.equal(process(kind).moments(T).floor(), torch.arange(T).float())


@pytest.mark.parametrize("draw", ["uniform", "stratified", "logit_normal"])
@pytest.mark.parametrize("kind", KINDS)
def test_drawn_times_are_within_what_is_trained_and_keyed(kind: str, draw: str) -> None:
    it = process(kind, draw)
    times, again = (it.draw(5000, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(times, again)
    assert times.dtype == torch.float32
    assert 0 <= times.min() < 120 < 880 < times.max() <= T - (kind != "flow")
    assert torch.equal(times, times.round()) is (kind != "flow")
