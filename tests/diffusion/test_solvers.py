"""Each sampler under the exact network of a Gaussian: on its known line to the last step, and as diffusers walks it."""

import pytest
import torch
from diffusers import (
    DDIMScheduler,
    DDPMScheduler,
    DPMSolverMultistepScheduler,
    FlowMatchEulerDiscreteScheduler,
    FlowMatchHeunDiscreteScheduler,
)
from torch import Tensor

from tlesynth.diffusion.process import VariancePreserving
from tlesynth.diffusion.solvers import OneStep, Predict, solver_of
from tlesynth.errors import TlesynthError

from .gaussian import MEAN, SPREAD, expected, generators, oracle, process, told

SHAPE = (1, 4, 10, 12, 10)
DIFFUSIONS = ["epsilon", "v_prediction"]
WALKS = [
    # sampler, steps, and how far the spread may be from the data's: the discretisation's bias, known and small
    ("epsilon", "ddim", 1000, 0.002),
    *[(kind, "ddim", *walk) for kind in DIFFUSIONS for walk in [(50, 0.03), (30, 0.05), (7, 0.18)]],
    *[(kind, "dpm++", *walk) for kind in DIFFUSIONS for walk in [(50, 0.001), (20, 0.03), (13, 0.07), (1, 0.5)]],
    *[("flow", "euler", *walk) for walk in [(50, 0.02), (30, 0.03), (7, 0.1), (1, 0.51)]],
    *[("flow", "heun", *walk) for walk in [(50, 0.001), (10, 0.005), (7, 0.005), (2, 0.06), (1, 0.51)]],
    *[("flow", "dpm++", *walk) for walk in [(50, 0.002), (20, 0.01), (13, 0.01), (1, 0.51)]],
]


def asked(kind: str, shift: float = 0.0) -> Predict:
    denoise = oracle(kind, shift)
    return lambda z, time: denoise(z, torch.full((len(z),), time), told(0.0))


def walked(kind: str, sampler: str, steps: int, noise: Tensor, predict: Predict) -> Tensor:
    solver, z = solver_of(process(kind), sampler, steps, generators(1)), noise
    for i in range(len(solver.times) - 1):
        z = solver.step(i, z, predict)
    return z


def some_noise() -> Tensor:
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(7))


@pytest.mark.parametrize(("kind", "sampler", "steps", "bias"), WALKS)
def test_every_voxel_lies_on_the_samplers_known_line(kind: str, sampler: str, steps: int, bias: float) -> None:
    (slope, offset), _ = expected(kind, sampler, steps)
    found = walked(kind, sampler, steps, some_noise(), asked(kind))
    assert torch.allclose(found, (slope * some_noise() + offset).float(), atol=1e-3)
    assert abs(slope - SPREAD) < bias
    assert abs(offset - MEAN) < 0.02


@pytest.mark.parametrize("kind", DIFFUSIONS)
@pytest.mark.parametrize("steps", [1000, 100, 30])
def test_ddpm_draws_the_known_mean_and_spread(kind: str, steps: int) -> None:
    (slope, offset), drawn = expected(kind, "ddpm", steps)
    found = walked(kind, "ddpm", steps, some_noise(), asked(kind))
    spread = (slope**2 + drawn**2) ** 0.5
    assert found.mean().item() == pytest.approx(offset, abs=4 * spread / found.numel() ** 0.5)
    assert found.std().item() == pytest.approx(spread, rel=4 / (2 * found.numel()) ** 0.5)
    assert abs(offset - MEAN) < 0.03
    assert spread == pytest.approx(SPREAD, rel={1000: 0.02, 100: 0.08, 30: 0.2}[steps])


@pytest.mark.parametrize(
    ("kind", "sampler", "steps"),
    [("epsilon", "ddim", 50), ("v_prediction", "dpm++", 20), ("flow", "euler", 30), ("flow", "heun", 10)],
)
def test_a_time_that_is_one_off_is_seen(kind: str, sampler: str, steps: int) -> None:
    (slope, offset), _ = expected(kind, sampler, steps)
    found = walked(kind, sampler, steps, some_noise(), asked(kind, shift=-1.0))
    assert not torch.allclose(found, (slope * some_noise() + offset).float(), atol=1e-3)


@pytest.mark.parametrize(("sampler", "order"), [("euler", 1), ("ddim", 1), ("heun", 2)])
def test_more_steps_come_closer_in_the_solvers_order(sampler: str, order: int) -> None:
    kind = "epsilon" if sampler == "ddim" else "flow"
    few, many = (abs(expected(kind, sampler, steps)[0][0] - SPREAD) for steps in (20, 80))
    assert few / many > 0.5 * 4**order


@pytest.mark.parametrize("kind", DIFFUSIONS)
@pytest.mark.parametrize(("sampler", "family"), [("ddpm", DDPMScheduler), ("ddim", DDIMScheduler)])
def test_diffusers_own_loop_gives_the_same_bits(kind: str, sampler: str, family: type) -> None:
    it, z = process(kind), some_noise()
    assert isinstance(it, VariancePreserving)
    config = {k: it.schedule.config[k] for k in ("prediction_type", "beta_schedule", "beta_start", "beta_end")}
    scheduler = family(**config, clip_sample=False, timestep_spacing="trailing")
    scheduler.set_timesteps(50)
    draws = generators(1)[0]
    for t in scheduler.timesteps:
        z = scheduler.step(asked(kind)(z, float(t)), t, z, generator=draws).prev_sample
    assert torch.equal(walked(kind, sampler, 50, some_noise(), asked(kind)), z)


@pytest.mark.parametrize("kind", DIFFUSIONS)
def test_diffusers_own_dpm_solver_gives_the_same_bits(kind: str) -> None:
    scheduler = DPMSolverMultistepScheduler(
        beta_start=1e-4,
        beta_end=2e-2,
        prediction_type=kind,  # ty: ignore[invalid-argument-type]
        timestep_spacing="trailing",
    )
    scheduler.set_timesteps(20)
    z = some_noise()
    for t in scheduler.timesteps:
        z = scheduler.step(asked(kind)(z, float(t)), t, z).prev_sample
    assert torch.equal(walked(kind, "dpm++", 20, some_noise(), asked(kind)), z)


def test_diffusers_own_euler_gives_the_same_bits() -> None:
    scheduler, z = FlowMatchEulerDiscreteScheduler(), some_noise()
    scheduler.set_timesteps(sigmas=[(20 - i) / 20 for i in range(20)])
    for t in scheduler.timesteps:
        z = scheduler.step(asked("flow")(z, float(t)), t, z).prev_sample
    assert torch.equal(walked("flow", "euler", 20, some_noise(), asked("flow")), z)


def test_diffusers_own_heun_is_the_same() -> None:
    # It divides by the noise's level and multiplies again: the last bits differ.
    scheduler, z = FlowMatchHeunDiscreteScheduler(), some_noise()
    scheduler.set_timesteps(10)
    for t in scheduler.timesteps:
        z = scheduler.step(asked("flow")(z, float(t)), t, z).prev_sample
    assert torch.allclose(walked("flow", "heun", 10, some_noise(), asked("flow")), z, atol=1e-5)


def test_a_solver_that_inversion_can_walk_back_is_marked() -> None:
    fit = {"epsilon": {"ddim"}, "flow": {"euler", "heun"}}
    for kind, samplers in [("epsilon", ["ddpm", "ddim", "dpm++"]), ("flow", ["euler", "heun", "dpm++"])]:
        assert {s for s in samplers if isinstance(solver_of(process(kind), s, 5), OneStep)} == fit[kind]


@pytest.mark.parametrize(
    ("kind", "sampler", "steps", "match"),
    [
        ("epsilon", "euler", 10, "ddpm, ddim, dpm"),
        ("flow", "ddim", 10, "euler, heun, dpm"),
        ("epsilon", "ddim", 1001, "1000"),
    ],
)
def test_what_does_not_fit_the_process_is_refused_with_what_does(
    kind: str, sampler: str, steps: int, match: str
) -> None:
    with pytest.raises(TlesynthError, match=match) as caught:
        solver_of(process(kind), sampler, steps)
    assert caught.value.code == "CFG-002"
