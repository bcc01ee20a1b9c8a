"""Samplers under the perfect predictor of a Gaussian, whose samples must be that Gaussian; batch splits; guidance."""

import pytest
import torch
from torch import Tensor

from tlesynth.diffusion.objective import schedule_of
from tlesynth.diffusion.sampling import Denoiser, Plan, guided, sample_latents
from tlesynth.errors import TlesynthError
from tlesynth.recipe import Noise

SHAPE = (4, 10, 12, 10)
MEAN, SPREAD = 1.5, 0.5


def oracle(prediction: str = "epsilon", shift: int = 0) -> Denoiser:
    """The exact prediction for data N(MEAN, SPREAD^2), read ``shift`` steps off; class 1 has the opposite mean."""
    bars = schedule_of(Noise()).alphas_cumprod

    def predict(z: Tensor, timesteps: Tensor, labels: Tensor) -> Tensor:
        ab = bars[(timesteps + shift).clamp(0, 999)].reshape(-1, 1, 1, 1, 1)
        mean = torch.where(labels == 1, -MEAN, MEAN).reshape(-1, 1, 1, 1, 1)
        noise = (1 - ab).sqrt() * (z - ab.sqrt() * mean) / (ab * SPREAD**2 + 1 - ab)
        clean = (z - (1 - ab).sqrt() * noise) / ab.sqrt()
        return ab.sqrt() * noise - (1 - ab).sqrt() * clean if prediction == "v_prediction" else noise

    return predict


def generators(n: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(100 + i) for i in range(n)]


def plan(prediction: str = "epsilon", **changes: object) -> Plan:
    schedule = schedule_of(Noise.model_validate({"prediction": prediction}))
    return Plan(**{"schedule": schedule, "null_class": 2, **changes})  # ty: ignore[invalid-argument-type]


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
@pytest.mark.parametrize(
    ("sampler", "steps", "spread"), [("ddpm", 1000, 0.5), ("ddim", 1000, 0.5), ("ddim", 50, 0.475), ("ddim", 20, 0.435)]
)
def test_samples_have_the_known_mean_and_spread(prediction: str, sampler: str, steps: int, spread: float) -> None:
    # DDIM with few steps shrinks the spread: its discretisation, known and small.
    labels = torch.tensor([0, 0, 0, 0])
    asked = plan(prediction, sampler=sampler, steps=steps)
    found = sample_latents(oracle(prediction), labels, SHAPE, generators(4), asked).latents
    assert found.shape == (4, *SHAPE)
    assert abs(found.mean().item() - MEAN) < 0.02
    assert abs(found.std().item() - spread) < 0.02


def test_a_wrong_step_index_is_seen() -> None:
    off = sample_latents(
        oracle(shift=-40), torch.tensor([0]), SHAPE, generators(1), plan(sampler="ddim", steps=50)
    ).latents
    assert abs(off.mean().item() - MEAN) > 0.03 or abs(off.std().item() - 0.475) > 0.05


def test_each_class_gets_its_own_mean() -> None:
    found = sample_latents(oracle(), torch.tensor([0, 1]), SHAPE, generators(2), plan(sampler="ddim", steps=50)).latents
    assert abs(found[0].mean().item() - MEAN) < 0.03
    assert abs(found[1].mean().item() + MEAN) < 0.03


@pytest.mark.parametrize(("sampler", "steps"), [("ddpm", 100), ("ddim", 50)])
def test_a_subject_is_the_same_in_any_batch(sampler: str, steps: int) -> None:
    labels, asked = torch.tensor([0, 1, 0, 1, 1]), plan(sampler=sampler, steps=steps)
    together = sample_latents(oracle(), labels, SHAPE, generators(5), asked).latents
    alone = [
        sample_latents(oracle(), labels[i : i + 1], SHAPE, generators(5)[i : i + 1], asked).latents for i in range(5)
    ]
    assert torch.equal(together, torch.cat(alone))


def test_guidance_is_linear_on_every_channel_and_1_takes_one_pass() -> None:
    calls = []

    def denoise(z: Tensor, timesteps: Tensor, labels: Tensor) -> Tensor:
        calls.append(len(z))
        return labels.reshape(-1, 1, 1, 1, 1) + 0 * z  # class 0 predicts 0, class 1 predicts 1, null predicts 2

    z, timesteps, labels = (torch.zeros(2, *SHAPE), torch.zeros(2, dtype=torch.int64), torch.tensor([0, 1]))
    for scale, expected in [(0.0, (2, 2)), (1.0, (0, 1)), (1.5, (-1, 0.5)), (3.0, (-4, -1))]:
        found = guided(denoise, z, timesteps, labels, plan(guidance=scale))
        for i in range(2):
            assert (found[i] == expected[i]).all()
    assert calls == [4, 2, 4, 4]


def test_guidance_moves_the_mean_away_from_the_null_class() -> None:
    # Null has the mean +1.5, class 1 has -1.5: guidance above 1 goes beyond -1.5.
    asked = plan(sampler="ddim", steps=50, guidance=2.0)
    found = sample_latents(oracle(), torch.tensor([1]), SHAPE, generators(1), asked).latents
    assert found.mean().item() < -MEAN - 1


def test_the_film_runs_from_pure_noise_to_the_sample() -> None:
    asked = plan(sampler="ddim", steps=50, frames=6)
    sampled = sample_latents(oracle(), torch.tensor([0]), SHAPE, generators(1), asked)
    assert list(sampled.film) == [1000, 800, 600, 400, 200, 0]
    assert torch.equal(sampled.film[0], sampled.latents)
    assert torch.equal(sampled.film[1000][0], torch.randn(SHAPE, generator=generators(1)[0]))
    assert list(sample_latents(oracle(), torch.tensor([0]), SHAPE, generators(1), plan(steps=2)).film) == []


def test_steps_that_do_not_divide_are_refused_with_the_nearest() -> None:
    with pytest.raises(TlesynthError, match="take 25") as caught:
        sample_latents(oracle(), torch.tensor([0]), SHAPE, generators(1), plan(sampler="ddim", steps=30))
    assert caught.value.code == "CFG-003"
