"""What a scanner adds: the field is smooth and positive, noise is centred, background is background, off is off."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.fft import dctn

from tlesynth.recipe import Augmentation
from tlesynth.recipe.augment_study import CLASSICAL
from tlesynth.seeds import torch_generator
from tlesynth.training.augmentation import recoloured
from tlesynth.training.scanner import WAVES, bias_fields, degraded

SHAPE = (24, 28, 20)
BOTH = Augmentation(bias_field=0.2, noise=0.03)


def head(volumes: int = 1, level: float = 0.5) -> torch.Tensor:
    """A box of one grey (B, 1, X, Y, Z) with background around it."""
    x = torch.zeros(volumes, 1, *SHAPE)
    x[..., 2:-2, 2:-2, 2:-2] = level
    return x


def fields(volumes: int, strength: float) -> torch.Tensor:
    waves = 2 * torch.rand(volumes, WAVES, WAVES, WAVES, generator=torch_generator(1, "waves")) - 1
    return bias_fields(waves, torch.full((volumes,), strength), torch.Size(SHAPE))


def test_a_field_is_positive_and_as_strong_as_asked() -> None:
    found = fields(8, math.log(1.2))
    ends = torch.maximum(found.amax((1, 2, 3, 4)), 1 / found.amin((1, 2, 3, 4)))
    assert float(found.min()) >= 1 / 1.2 - 1e-6 and torch.allclose(ends, torch.tensor(1.2), atol=1e-5)


def test_a_field_is_smooth() -> None:
    """Its logarithm holds no wave shorter than a side, and no constant."""
    spectrum = np.abs(dctn(fields(8, 1.0).double().log().numpy(), axes=(2, 3, 4), norm="ortho"))
    assert spectrum[:, 0, :WAVES, :WAVES, :WAVES].max() > 1
    spectrum[:, 0, :WAVES, :WAVES, :WAVES] = spectrum[:, 0, 0:1, 0:1, 0:1]
    assert spectrum.max() < 1e-3


def test_one_wave_is_the_cosine_itself() -> None:
    waves = torch.zeros(1, WAVES, WAVES, WAVES)
    waves[0, 0, 2, 0], waves[0, 0, 0, 0] = 0.3, 9.0  # the constant counts for nothing
    found = bias_fields(waves, torch.tensor([0.5]), torch.Size(SHAPE)).log()[0, 0]
    place = (np.arange(SHAPE[1]) + 0.5) / SHAPE[1]
    expected = 0.5 * np.cos(2 * np.pi * place) / np.abs(np.cos(2 * np.pi * place)).max()
    np.testing.assert_allclose(found[3, :, 4], expected, atol=1e-5)


def test_noise_is_centred_as_wide_as_asked_and_of_each_voxel_its_own() -> None:
    x = head(64)
    added = (degraded(x, Augmentation(noise=0.03), torch_generator(2, "noise")) - x)[..., 2:-2, 2:-2, 2:-2]
    widths = added.flatten(1).std(1)
    voxels = added[0].numel()
    assert bool((added.flatten(1).mean(1).abs() < 5 * widths / math.sqrt(voxels)).all())
    assert float(widths.max()) <= 0.031 and float(widths.mean()) == pytest.approx(0.015, abs=0.004)
    beside = torch.corrcoef(torch.stack([added[:, :, 1:].flatten(), added[:, :, :-1].flatten()]))[0, 1]
    assert abs(float(beside)) < 0.01


@pytest.mark.parametrize("level", [0.01, 0.5, 0.99])
def test_background_stays_0_and_values_stay_in_range(level: float) -> None:
    x = head(4, level)
    made = recoloured(x, CLASSICAL, torch_generator(3, "range"))
    assert bool((made[x == 0] == 0).all()) and float(made.min()) >= 0 and float(made.max()) <= 1


def test_the_same_draws_give_the_same_bits_and_each_volume_its_own() -> None:
    x = head(3)
    one, again = (recoloured(x, BOTH, torch_generator(4, "same")) for _ in range(2))
    assert torch.equal(one, again) and not torch.equal(one[0], one[1])


@pytest.mark.parametrize("settings", [{}, {"gain": 0.2, "gamma": 0.2}])
def test_off_takes_no_draw_and_leaves_the_bits(settings: dict[str, Any]) -> None:
    x, draws, told = head(2), torch_generator(5, "off"), torch_generator(5, "off")
    assert degraded(x, Augmentation(**settings), draws) is x
    assert torch.equal(torch.rand(3, generator=draws), torch.rand(3, generator=told))


def test_under_autocast_the_field_keeps_its_digits() -> None:
    plain = fields(1, 0.2)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(fields(1, 0.2), plain)
