"""Noise takes the spread and the texture of latents whose covariance is known."""

import pytest
import torch
from torch import Tensor

from tlesynth.diffusion.process import RectifiedFlow, Texture

SHAPE = (2, 10, 9, 8)
SPREAD = 0.5 + torch.rand(SHAPE, generator=torch.Generator().manual_seed(5))
MM = (6.0, 6.0, 6.0)
DRAWS = 3000


def known(n: int, seed: int) -> Tensor:
    """Latents (n, C, X, Y, Z) of unit variance: along x each voxel has half of its variance in common with the next;
    the second channel is the first with as much of its own, and nothing hangs together along y or z."""
    white = torch.randn(n, 2, SHAPE[1] + 1, *SHAPE[2:], generator=torch.Generator().manual_seed(seed))
    both = (white[:, :, 1:] + white[:, :, :-1]) / 2**0.5
    return torch.stack([both[:, 0], (both[:, 0] + both[:, 1]) / 2**0.5], 1)


def measured(latents: Tensor, variance: Tensor) -> Texture:
    texture = Texture(SHAPE, MM)
    texture.measure(latents, variance)
    return texture


def drawn(texture: Texture) -> Tensor:
    return texture(torch.randn(DRAWS, *SHAPE, generator=torch.Generator().manual_seed(1)))


def together(a: Tensor, b: Tensor) -> float:
    """The correlation over draws of voxels (draws, ...), averaged over them."""
    return float(((a * b).mean(0) / (a.std(0) * b.std(0))).mean())


def test_it_is_white_noise_until_it_is_measured() -> None:
    white = torch.randn(2, *SHAPE)
    assert torch.allclose(Texture(SHAPE, MM)(white), white, atol=1e-5)
    assert RectifiedFlow().noise(white) is white


def test_noise_has_the_spread_of_each_voxel_and_the_texture_of_all() -> None:
    noise = drawn(measured(SPREAD * known(200, 0), SPREAD**2))
    assert noise.mean().abs() < 0.01
    assert torch.allclose(noise.std(0), SPREAD, rtol=0.08)
    assert together(noise[:, 0, 1:], noise[:, 0, :-1]) == pytest.approx(0.5, abs=0.03)
    assert together(noise[:, 0, 2:], noise[:, 0, :-2]) == pytest.approx(0.0, abs=0.03)
    assert together(noise[:, 0, :, 1:], noise[:, 0, :, :-1]) == pytest.approx(0.0, abs=0.03)
    assert together(noise[:, 0], noise[:, 1]) == pytest.approx(0.5**0.5, abs=0.03)
    assert together(noise[:, 0, 1:], noise[:, 1, :-1]) == pytest.approx(0.5**1.5, abs=0.03)


def test_the_background_is_no_neighbour() -> None:
    spread = SPREAD.clone()
    spread[:, 6:] = 0.01
    latents = spread * known(200, 0)
    latents[:, :, 6:] = 0  # the floor of a variance, and nothing that varies
    noise = drawn(measured(latents, spread**2))
    assert torch.allclose(noise.std(0), spread, rtol=0.08)
    assert together(noise[:, 0, 1:6], noise[:, 0, :5]) == pytest.approx(0.5, abs=0.03)


def test_variance_that_residuals_do_not_have_belongs_to_no_neighbour() -> None:
    noise = drawn(measured(known(200, 0), torch.full(SHAPE, 2.0)))
    assert torch.allclose(noise.std(0), torch.full(SHAPE, 2**0.5), rtol=0.08)
    assert together(noise[:, 0, 1:], noise[:, 0, :-1]) == pytest.approx(0.25, abs=0.03)


def test_few_scans_make_no_texture_that_cannot_be() -> None:
    noise = drawn(measured(SPREAD * known(2, 0), SPREAD**2))
    assert torch.isfinite(noise).all()
    assert torch.allclose(noise.std(0), SPREAD, rtol=0.08)


def test_a_voxels_noise_does_not_depend_on_whom_it_is_drawn_with() -> None:
    texture, white = measured(known(20, 0), torch.ones(SHAPE)), torch.randn(4, *SHAPE)
    assert torch.allclose(texture(white)[1:2], texture(white[1:2]), atol=1e-6)


def test_it_is_read_again_from_its_state() -> None:
    texture, again, white = measured(known(20, 0), SPREAD**2), Texture(SHAPE, MM), torch.randn(1, *SHAPE)
    again.load_state_dict(texture.state_dict())
    assert torch.equal(again(white), texture(white))
    assert all(not tensor.is_complex() for tensor in texture.state_dict().values())
