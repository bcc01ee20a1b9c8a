"""The paper's schedule, and agreement with diffusers to the bit."""

import numpy as np
import pytest
import torch

from tlesynth.diffusion.process import VariancePreserving, process_of
from tlesynth.recipe import Noise

TIMES = torch.tensor([0, 500, 999])


def build(prediction: str = "epsilon") -> VariancePreserving:
    process = process_of(Noise.model_validate({"prediction": prediction}))
    assert isinstance(process, VariancePreserving)
    return process


def test_the_papers_linear_schedule() -> None:
    process = build()
    betas = np.linspace(1e-4, 2e-2, 1000)
    a, b = process.scales(torch.arange(1000).float())
    assert np.allclose(a.flatten().numpy(), np.sqrt(np.cumprod(1 - betas)), rtol=1e-4)
    assert torch.allclose(a**2 + b**2, torch.ones(()))
    assert process.schedule.config["clip_sample"] is False
    assert process.schedule.config["variance_type"] == "fixed_small"


def test_the_clean_end_is_one_step_before_the_first() -> None:
    a, b = build().scales(torch.tensor([-1.0]))
    assert (a.item(), b.item()) == (1, 0)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_noisy_latents_and_targets_are_those_of_diffusers(prediction: str) -> None:
    process, clean, noise = build(prediction), torch.randn(3, 2, 4, 5, 4), torch.randn(3, 2, 4, 5, 4)
    schedule = process.schedule
    assert torch.equal(process.noisy(clean, noise, TIMES.float()), schedule.add_noise(clean, noise, TIMES))
    velocity = noise if prediction == "epsilon" else schedule.get_velocity(clean, noise, TIMES)
    assert torch.equal(process.target(clean, noise, TIMES.float()), velocity)


def test_the_way_starts_at_the_last_timestep_and_need_not_divide() -> None:
    process = build()
    assert process.way(4) == (999, 749, 499, 249, -1)
    assert process.way(3) == (999, 666, 332, -1)
    assert process.way(1000) == tuple(range(999, -2, -1))
    for steps in range(1, 1001, 37):
        way = process.way(steps)
        assert len(set(way)) == steps + 1
