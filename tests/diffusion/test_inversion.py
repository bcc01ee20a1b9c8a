"""Latents inverted to noise and sampled again are the same latents; the noise is the known one of a Gaussian."""

import pytest
import torch
from torch import Tensor

from tlesynth.diffusion.inversion import invert_latents
from tlesynth.diffusion.sampling import Plan, sample_from
from tlesynth.errors import TlesynthError

from .gaussian import MEAN, SPREAD, oracle, process, told

SHAPE = (2, 3, 6, 7, 6)
INVERTIBLE = [("epsilon", "ddim"), ("v_prediction", "ddim"), ("flow", "euler"), ("flow", "heun")]


def latents(spread: float = SPREAD) -> Tensor:
    draws = torch.randn(SHAPE, generator=torch.Generator().manual_seed(0))
    return MEAN * torch.tensor([1.0, -1.0]).reshape(-1, 1, 1, 1, 1) + spread * draws


def missed(kind: str, sampler: str, steps: int, refinements: int, spread: float = SPREAD) -> float:
    """Relative error of the round trip."""
    plan, denoise, clean = Plan(process(kind), sampler, steps), oracle(kind, spread=spread), latents(spread)
    noise = invert_latents(denoise, clean, told(0, 1), plan, refinements)
    found = sample_from(denoise, noise, told(0, 1), plan).latents
    return float((found - clean).norm() / clean.norm())


@pytest.mark.parametrize(("kind", "sampler"), INVERTIBLE)
def test_the_round_trip_gives_the_latents_back(kind: str, sampler: str) -> None:
    assert missed(kind, sampler, 50, 3) < 1e-3
    few, more = (missed(kind, sampler, steps, 0) for steps in (25, 100))
    assert more < few / 2


@pytest.mark.parametrize(("kind", "sampler"), INVERTIBLE)
def test_refinements_bring_it_closer(kind: str, sampler: str) -> None:
    errors = [missed(kind, sampler, 20, refinements) for refinements in (0, 1, 2, 4)]
    assert errors == sorted(errors, reverse=True)
    assert errors[3] < 0.05 * errors[0]


@pytest.mark.parametrize(("kind", "sampler"), INVERTIBLE)
def test_voxels_that_hardly_vary_come_back_too(kind: str, sampler: str) -> None:
    assert missed(kind, sampler, 50, 3, spread=0.02) < 0.02


@pytest.mark.parametrize(("kind", "sampler"), [("epsilon", "ddim"), ("flow", "heun")])
def test_the_noise_is_the_one_that_the_equation_leads_to(kind: str, sampler: str) -> None:
    # Of a Gaussian, the exact path takes (z_0 - m) / s to itself.
    noise = invert_latents(oracle(kind), latents(), told(0, 1), Plan(process(kind), sampler, 200))
    exact = torch.randn(SHAPE, generator=torch.Generator().manual_seed(0))
    assert (noise - exact).abs().mean() < 0.03


def test_other_conditions_move_the_latents_by_what_they_mean() -> None:
    plan = Plan(process("flow"), "heun", 50)
    noise = invert_latents(oracle("flow"), latents(), told(0, 1), plan)
    moved = sample_from(oracle("flow"), noise, told(1, 0), plan).latents - latents()
    assert torch.allclose(moved[0], torch.tensor(-2 * MEAN), atol=0.02)
    assert torch.allclose(moved[1], torch.tensor(2 * MEAN), atol=0.02)


@pytest.mark.parametrize(("kind", "sampler", "fit"), [("epsilon", "ddpm", "ddim"), ("flow", "dpm++", "heun or euler")])
def test_samplers_that_are_no_map_are_refused(kind: str, sampler: str, fit: str) -> None:
    with pytest.raises(TlesynthError, match=fit) as caught:
        invert_latents(oracle(kind), latents(), told(0, 1), Plan(process(kind), sampler, 10))
    assert caught.value.code == "CFG-002"
