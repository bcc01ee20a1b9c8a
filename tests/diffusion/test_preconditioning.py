"""The voxelwise Gaussian alone: exact where it is true, a start from the right mean and spread, and correctable."""

import copy

import pytest
import torch
from torch import Tensor, nn

from tlesynth.diffusion.preconditioning import Preconditioned
from tlesynth.diffusion.process import RectifiedFlow, Texture, squared_error
from tlesynth.diffusion.sampling import Plan, sample_latents

from .gaussian import KINDS, MEAN, SPREAD, oracle, process

SHAPE = (2, 4, 5, 4)
NOBODY = torch.zeros(1, 1)


class Silent(nn.Module):
    """A network that has learned nothing."""

    def forward(self, z: Tensor, times: Tensor, conditions: Tensor) -> Tensor:
        return torch.zeros_like(z)


def gaussian(kind: str) -> tuple[Preconditioned, Tensor, Tensor]:
    """No network, on voxels that each have their own mean and spread (some hardly any)."""
    generator = torch.Generator().manual_seed(0)
    mean = torch.randn(SHAPE, generator=generator)
    spread = 0.02 + 1.5 * torch.rand(SHAPE, generator=generator)
    alone = Preconditioned(Silent(), process(kind), SHAPE)
    alone.measure(mean, spread**2)
    return alone, mean, spread


def textured() -> tuple[Preconditioned, Tensor, Tensor]:
    """The same with noise whose neighbours along y have something in common, as the latents' have."""
    alone, mean, spread = gaussian("flow")
    white = torch.randn(400, 2, 4, 6, 4, generator=torch.Generator().manual_seed(3))
    residuals = spread * (white[:, :, :, 1:] + white[:, :, :, :-1]) / 2**0.5
    texture = Texture(SHAPE, (6.0, 6.0, 6.0))
    texture.measure(residuals, spread**2)
    made = Preconditioned(Silent(), RectifiedFlow(texture=texture), SHAPE)
    made.measure(mean, spread**2)
    return made, mean, spread


def test_measure_takes_mean_and_variance_voxel_by_voxel_into_the_state() -> None:
    latents = torch.randn(50, *SHAPE)
    latents[:, 0, 0, 0, 0] = 7.0
    alone = gaussian("v_prediction")[0]
    alone.measure(latents.mean(0), latents.var(0, correction=0))
    assert torch.allclose(alone.mean, latents.mean(0), atol=1e-6)
    assert alone.variance[0, 0, 0, 0] == pytest.approx(1e-4)
    assert torch.allclose(alone.variance[1], latents.var(0, correction=0)[1])
    assert set(alone.state_dict()) == {"mean", "variance"}


@pytest.mark.parametrize("kind", KINDS)
def test_alone_it_is_the_exact_denoiser_of_a_gaussian(kind: str) -> None:
    alone = Preconditioned(Silent(), process(kind), SHAPE)
    alone.measure(torch.full(SHAPE, MEAN), torch.full(SHAPE, SPREAD**2))
    times = torch.tensor([0.0, 1.0, 40.0, 500.0, 999.0])
    z = 2 * torch.randn(5, *SHAPE, generator=torch.Generator().manual_seed(2))
    told = torch.zeros(5, 1)
    assert torch.allclose(alone(z, times, told), oracle(kind)(z, times, told), atol=1e-4)


def test_the_velocities_are_the_formulas_with_the_division_carried_out() -> None:
    z = torch.randn(3, *SHAPE, generator=torch.Generator().manual_seed(2))
    times = torch.tensor([3.0, 400.0, 990.0])
    for kind in ("v_prediction", "flow"):
        alone, mean, spread = gaussian(kind)
        a, b = alone.process.scales(times)
        d = (a * spread) ** 2 + b**2
        v = b * (a * (1 - spread**2) * z - mean) / d
        u = ((b - a * spread**2) * z - b * mean) / d
        assert torch.allclose(alone(z, times, NOBODY), v if kind == "v_prediction" else u, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("time", [5.0, 300.0, 900.0])
def test_its_loss_is_the_least_there_is(kind: str, time: float) -> None:
    alone, mean, spread = gaussian(kind)
    generator = torch.Generator().manual_seed(1)
    clean = mean + spread * torch.randn(4000, *SHAPE, generator=generator)
    noise, times = torch.randn(clean.shape, generator=generator), torch.full((4000,), time)
    noisy, target = alone.process.noisy(clean, noise, times), alone.process.target(clean, noise, times)
    predicted = alone(noisy, times, NOBODY)
    a, b = (scale[:1] for scale in alone.process.scales(times))
    share = a**2 if kind == "epsilon" else 1.0
    bayes = (share * spread**2 / ((a * spread) ** 2 + b**2)).mean()
    assert squared_error(predicted, target).mean().item() == pytest.approx(bayes.item(), rel=0.02)
    # What the best predictor leaves is uncorrelated with what it was given, voxel by voxel.
    left, given = target - predicted, (noisy - noisy.mean(0)) / noisy.std(0)
    assert ((left * given).mean(0) / left.std(0)).abs().max() < 0.1


@pytest.mark.parametrize(
    ("kind", "sampler", "steps"), [("v_prediction", "ddpm", 100), ("epsilon", "ddim", 100), ("flow", "heun", 20)]
)
def test_alone_it_draws_each_voxel_with_its_own_mean_and_spread(kind: str, sampler: str, steps: int) -> None:
    alone, mean, spread = gaussian(kind)
    n = 150
    generators = [torch.Generator().manual_seed(i) for i in range(n)]
    drawn = sample_latents(alone, torch.zeros(n, 1), SHAPE, generators, Plan(alone.process, sampler, steps)).latents
    assert ((drawn.mean(0) - mean) / spread).abs().mean() < 0.1
    assert (drawn.std(0) / spread).mean().item() == pytest.approx(0.97, abs=0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_the_correction_is_in_units_of_what_the_gaussian_leaves_open(kind: str) -> None:
    # A network that knows the clean latent, in units of the posterior's spread, makes the prediction exact.
    alone, mean, spread = gaussian(kind)
    clean, noise, times = (mean + spread)[None], torch.randn(1, *SHAPE), torch.tensor([400.0])
    a, b = alone.process.scales(times)
    noisy = alone.process.noisy(clean, noise, times)
    d = (a * spread) ** 2 + b**2
    seen = mean + a * spread**2 * (noisy - a * mean) / d

    class Knows(nn.Module):
        def forward(self, z: Tensor, times: Tensor, conditions: Tensor) -> Tensor:
            assert torch.allclose(z, (noisy - a * mean) / d.sqrt(), atol=1e-5)
            return (clean - seen) / (spread * b / d.sqrt())

    alone.network = Knows()
    assert torch.allclose(alone(noisy, times, NOBODY), alone.process.target(clean, noise, times), atol=1e-4)


@pytest.mark.parametrize("time", [50.0, 400.0, 950.0])
def test_with_the_latents_texture_in_its_noise_its_loss_is_the_least_there_is(time: float) -> None:
    alone, mean, spread = textured()
    white = torch.randn(2, 2000, *SHAPE, generator=torch.Generator().manual_seed(1))
    clean, noise = mean + alone.process.noise(white[0]), alone.process.noise(white[1])
    times = torch.full((2000,), time)
    noisy, target = alone.process.noisy(clean, noise, times), alone.process.target(clean, noise, times)
    a, b = (float(scale[0]) for scale in alone.process.scales(times))
    # Of eps - z_0 with equal covariances and a + b = 1.
    least = (spread**2 / (a**2 + b**2)).mean().item()
    left = target - alone(noisy, times, NOBODY)
    assert left.square().mean().item() == pytest.approx(least, rel=0.03)
    # Neither a voxel's own value nor its neighbour's says anything about what is left.
    given = (noisy - noisy.mean(0)) / noisy.std(0)
    assert ((left * given).mean(0) / left.std(0)).abs().max() < 0.12
    beside = (left[:, :, :, 1:] * given[:, :, :, :-1]).mean(0) / left[:, :, :, 1:].std(0)
    assert beside.abs().max() < 0.12


def test_with_a_texture_it_draws_neighbours_that_fit() -> None:
    alone, mean, spread = textured()
    n = 300
    generators = [torch.Generator().manual_seed(i) for i in range(n)]
    drawn = sample_latents(alone, torch.zeros(n, 1), SHAPE, generators, Plan(alone.process, "heun", 20)).latents
    standard = (drawn - drawn.mean(0)) / drawn.std(0)
    assert ((drawn.mean(0) - mean) / spread).abs().mean() < 0.1
    assert (drawn.std(0) / spread).mean().item() == pytest.approx(1.0, abs=0.05)
    assert (standard[:, :, :, 1:] * standard[:, :, :, :-1]).mean().item() == pytest.approx(0.5, abs=0.05)
    assert (standard[:, :, 1:] * standard[:, :, :-1]).mean().item() == pytest.approx(0.0, abs=0.05)


def test_the_texture_is_a_part_of_the_model() -> None:
    alone = textured()[0]
    again = Preconditioned(Silent(), RectifiedFlow(texture=Texture(SHAPE, (6.0, 6.0, 6.0))), SHAPE)
    again.load_state_dict(alone.state_dict())
    white = torch.randn(1, *SHAPE)
    assert torch.equal(again.process.noise(white), alone.process.noise(white))
    average = copy.deepcopy(again)  # as the average of the weights is made
    assert average.process.texture is average.texture is not again.texture
