"""Sampling is the same in any batch, and guidance is linear, acts where it is told to, and costs what it must."""

import math

import pytest
import torch
from torch import Tensor, nn

from tlesynth.diffusion.sampling import Plan, predictor, sample_from, sample_latents

from .gaussian import MEAN, SPREAD, generators, oracle, process, told

SHAPE = (4, 10, 12, 10)
EVERY = [
    *[(kind, sampler) for kind in ("epsilon", "v_prediction") for sampler in ("ddpm", "ddim", "dpm++")],
    *[("flow", sampler) for sampler in ("euler", "heun", "dpm++")],
]


def plan(kind: str = "epsilon", sampler: str = "ddim", steps: int = 50, **changes: object) -> Plan:
    return Plan(process(kind), sampler, steps, **changes)  # ty: ignore[invalid-argument-type]


class Numbered:
    """Predicts 1 for condition 0, 2 for condition 1 and 5 for null, and counts what it is asked."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def __call__(self, z: Tensor, times: Tensor, conditions: Tensor) -> Tensor:
        assert (z.shape[0], times.dtype, conditions.dtype) == (times.shape[0], torch.float32, torch.float32)
        self.sizes.append(len(z))
        return torch.where(conditions.isnan(), 5.0, conditions + 1).reshape(-1, 1, 1, 1, 1) + 0 * z


@pytest.mark.parametrize(("kind", "sampler"), EVERY)
def test_samples_have_the_known_mean_and_spread(kind: str, sampler: str) -> None:
    found = sample_latents(oracle(kind), told(0, 1), SHAPE, generators(2), plan(kind, sampler)).latents
    assert found.shape == (2, *SHAPE)
    for latent, mean in zip(found, (MEAN, -MEAN), strict=True):
        assert abs(latent.mean().item() - mean) < 0.06
        assert abs(latent.std().item() - SPREAD) < 0.06


@pytest.mark.parametrize(("kind", "sampler"), EVERY)
def test_a_subject_is_the_same_to_the_bit_in_any_batch(kind: str, sampler: str) -> None:
    torch.manual_seed(0)
    wide = nn.Linear(10, 10)  # matrix products round with the size of their batch

    def denoise(z: Tensor, times: Tensor, conditions: Tensor) -> Tensor:
        return 0.1 * wide(z) + torch.nan_to_num(conditions, 0.5).reshape(-1, 1, 1, 1, 1)

    asked = plan(kind, sampler, 12, guidance=2.0)
    rows = told(0, 1, 0, math.nan, 1)
    together = sample_latents(denoise, rows, SHAPE, generators(5), asked).latents
    for part in (slice(0, 1), slice(1, 3), slice(3, 5)):
        alone = sample_latents(denoise, rows[part], SHAPE, generators(5)[part], asked).latents
        assert torch.equal(together[part], alone)


def test_the_network_sees_one_subject_at_a_time_on_the_cpu() -> None:
    counted = Numbered()
    sample_latents(counted, told(0, 1, 1), SHAPE, generators(3), plan(steps=2))
    assert counted.sizes == [1] * 6


@pytest.mark.parametrize(("kind", "sampler"), EVERY)
def test_a_device_takes_the_batch_whole_and_nothing_stays_behind(kind: str, sampler: str) -> None:
    # The meta device computes nothing, but refuses to mix with the CPU as a GPU does.
    counted, rows = Numbered(), told(0, 1, 1).to("meta")
    sampled = sample_latents(counted, rows, SHAPE, generators(3), plan(kind, sampler, 3, guidance=2.0))
    assert sampled.latents.device.type == "meta"
    assert set(counted.sizes) == {6}


def test_guidance_is_linear_on_every_channel_and_costs_a_second_pass_only_where_it_acts() -> None:
    z = torch.zeros(2, *SHAPE)
    for scale, expected, passes in [(0.0, (5, 5), 2), (1.0, (1, 2), 2), (1.5, (-1, 0.5), 4), (3.0, (-7, -4), 4)]:
        counted = Numbered()
        found = predictor(counted, told(0, 1), plan(guidance=scale))(z, 500.0)
        assert sum(counted.sizes) == passes
        for i in range(2):
            assert (found[i] == expected[i]).all()


def test_guidance_leads_away_from_what_it_is_given() -> None:
    z = torch.zeros(1, *SHAPE)
    from_the_other = predictor(Numbered(), told(0), plan(guidance=3.0), against=told(1))(z, 500.0)
    assert (from_the_other == 2 + 3.0 * (1 - 2)).all()
    assert (predictor(Numbered(), told(0), plan(guidance=3.0), against=told(0))(z, 500.0) == 1).all()


@pytest.mark.parametrize(
    ("kind", "inside", "outside"), [("epsilon", (199, 799), (198, 800)), ("flow", (200, 800), (199, 801))]
)
def test_guidance_acts_within_its_interval_alone(
    kind: str, inside: tuple[float, ...], outside: tuple[float, ...]
) -> None:
    asked, z = plan(kind, guidance=3.0, guidance_interval=(0.2, 0.8)), torch.zeros(1, *SHAPE)
    assert [predictor(Numbered(), told(0), asked)(z, t).mean().item() for t in inside] == [-7, -7]
    assert [predictor(Numbered(), told(0), asked)(z, t).mean().item() for t in outside] == [1, 1]


def test_no_guidance_is_the_unconditional_sample() -> None:
    noise = torch.randn(2, *SHAPE)
    unconditional = sample_from(oracle("epsilon"), noise, told(1, 1), plan(guidance=0.0)).latents
    null = sample_from(oracle("epsilon"), noise, told(math.nan, math.nan), plan()).latents
    assert torch.equal(unconditional, null)


def test_guidance_moves_the_mean_away_from_the_null_condition() -> None:
    # Null has the mean +1.5, condition 1 has -1.5: guidance above 1 goes beyond -1.5.
    found = sample_latents(oracle("epsilon"), told(1), SHAPE, generators(1), plan(guidance=2.0)).latents
    assert found.mean().item() < -MEAN - 1


EVEN = [1000, 800, 600, 400, 200, 0]


@pytest.mark.parametrize(
    ("kind", "sampler", "times"),
    [("epsilon", "ddim", EVEN), ("flow", "dpm++", EVEN), ("flow", "heun", [1000, 796, 592, 388, 184, 0])],
)
def test_the_film_runs_from_pure_noise_to_the_sample(kind: str, sampler: str, times: list[int]) -> None:
    sampled = sample_latents(oracle(kind), told(0), SHAPE, generators(1), plan(kind, sampler, frames=6))
    assert list(sampled.film) == times
    assert torch.equal(sampled.film[0], sampled.latents)
    assert torch.equal(sampled.film[1000][0], torch.randn(SHAPE, generator=generators(1)[0]))


def test_a_film_of_odd_steps_has_whole_times_and_no_frames_keep_none() -> None:
    sampled = sample_latents(oracle("flow"), told(0), SHAPE, generators(1), plan("flow", "euler", 7, frames=4))
    assert list(sampled.film) == [1000, 714, 286, 0]
    assert sample_latents(oracle("flow"), told(0), SHAPE, generators(1), plan("flow", "euler", 2)).film == {}


def test_sampling_goes_on_from_a_given_noise() -> None:
    drawn = sample_latents(oracle("flow"), told(0, 1), SHAPE, generators(2), plan("flow", "heun", 10))
    noise = torch.stack([torch.randn(SHAPE, generator=g) for g in generators(2)])
    assert torch.equal(sample_from(oracle("flow"), noise, told(0, 1), plan("flow", "heun", 10)).latents, drawn.latents)
