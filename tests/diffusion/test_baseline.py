"""The voxelwise Gaussian baseline: exact where it is true, a start from the right mean and spread, and correctable."""

import pytest
import torch
from torch import Tensor, nn

from tlesynth.diffusion.baseline import Corrected
from tlesynth.diffusion.objective import add_noise, schedule_of, target_of
from tlesynth.diffusion.sampling import Plan, sample_latents
from tlesynth.recipe import Noise

SHAPE = (2, 4, 5, 4)


class Silent(nn.Module):
    """A network that has learned nothing."""

    def forward(self, z: Tensor, timesteps: Tensor, labels: Tensor) -> Tensor:
        return torch.zeros_like(z)


def gaussian() -> tuple[Corrected, Tensor, Tensor]:
    """The baseline alone, on voxels that each have their own mean and spread (some hardly any)."""
    generator = torch.Generator().manual_seed(0)
    mean = torch.randn(SHAPE, generator=generator)
    spread = 0.02 + 1.5 * torch.rand(SHAPE, generator=generator)
    baseline = Corrected(Silent(), schedule_of(Noise(prediction="v_prediction")), SHAPE)
    baseline.mean.copy_(mean)
    baseline.variance.copy_(spread**2)
    return baseline, mean, spread


def test_measure_takes_mean_and_variance_voxel_by_voxel() -> None:
    latents = torch.randn(50, *SHAPE)
    latents[:, 0, 0, 0, 0] = 7.0
    baseline = gaussian()[0]
    baseline.measure(latents.mean(0), latents.var(0, correction=0))
    assert torch.allclose(baseline.mean, latents.mean(0), atol=1e-6)
    assert baseline.variance[0, 0, 0, 0] == pytest.approx(1e-4)
    assert torch.allclose(baseline.variance[1], latents.var(0, correction=0)[1])


@pytest.mark.parametrize(("sampler", "steps", "shrunk"), [("ddpm", 100, 0.95), ("ddim", 100, 0.97)])
def test_alone_it_draws_each_voxel_with_its_own_mean_and_spread(sampler: str, steps: int, shrunk: float) -> None:
    baseline, mean, spread = gaussian()
    n = 150
    plan = Plan(schedule_of(Noise(prediction="v_prediction")), 2, sampler, steps)
    generators = [torch.Generator().manual_seed(i) for i in range(n)]
    drawn = sample_latents(baseline, torch.zeros(n, dtype=torch.int64), SHAPE, generators, plan).latents
    assert ((drawn.mean(0) - mean) / spread).abs().mean() < 0.1
    assert (drawn.std(0) / spread).mean().item() == pytest.approx(shrunk, abs=0.04)


def test_no_prediction_of_a_voxel_alone_is_better() -> None:
    baseline, mean, spread = gaussian()
    schedule = schedule_of(Noise(prediction="v_prediction"))
    generator = torch.Generator().manual_seed(1)
    clean = mean + spread * torch.randn(4000, *SHAPE, generator=generator)
    noise = torch.randn(clean.shape, generator=generator)
    for t in (5, 300, 900):
        timesteps = torch.full((4000,), t)
        noisy = add_noise(schedule, clean, noise, timesteps)
        target = target_of(schedule, clean, noise, timesteps)
        predicted = baseline(noisy, timesteps, timesteps)
        # The residual of a least-squares predictor is uncorrelated with what it was given, voxel by voxel.
        residual = target - predicted
        given = (noisy - noisy.mean(0)) / noisy.std(0)
        assert residual.mean(0).abs().max() < 0.12
        assert ((residual * given).mean(0) / residual.std(0)).abs().max() < 0.1


def test_the_correction_is_in_units_of_what_the_baseline_does_not_know() -> None:
    # A network that knows the clean latent, in units of the posterior spread, makes the velocity exact.
    baseline, mean, spread = gaussian()
    schedule = schedule_of(Noise(prediction="v_prediction"))
    clean, noise, t = mean + spread, torch.randn(1, *SHAPE), torch.tensor([400])
    ab = schedule.alphas_cumprod[400]
    noisy = add_noise(schedule, clean[None], noise, t)
    d = ab * spread**2 + 1 - ab
    known = (mean * (1 - ab) + ab.sqrt() * spread**2 * noisy) / d

    class Knows(nn.Module):
        def forward(self, z: Tensor, timesteps: Tensor, labels: Tensor) -> Tensor:
            return (clean - known) / (spread**2 * (1 - ab) / d).sqrt()

    baseline.network = Knows()
    assert torch.allclose(baseline(noisy, t, t), target_of(schedule, clean[None], noise, t), atol=1e-4)
