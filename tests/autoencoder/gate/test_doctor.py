"""A constructed Gaussian posterior has the noise share it was given; planted dead channels are found."""

from typing import Any

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence
from torch.overrides import TorchFunctionMode

from tlesynth.autoencoder.gate.doctor import Moments, channel_noise, channels, moments, posterior_noise

SHAPE = (12, 12, 12)
STD, NOISE = (1.0, 2.0, 0.5), (0.5, 0.2, 0.5)
"""Spread of the posterior mean and of the posterior itself, by channel."""


def cohort(std: tuple[float, ...] = STD, noise: tuple[float, ...] = NOISE, scans: int = 6) -> Moments:
    draws = torch.Generator().manual_seed(0)
    scale = torch.tensor(std)[:, None, None, None]
    logvar = (2 * torch.tensor(noise).log())[:, None, None, None].expand(-1, *SHAPE)
    made = [moments(3 + scale * torch.randn(len(std), *SHAPE, generator=draws), logvar) for _ in range(scans)]
    return Moments.stack(made)


def test_the_noise_share_is_that_of_the_posterior() -> None:
    found = channels(cohort())
    for channel, std, noise in zip(found, STD, NOISE, strict=True):
        assert channel.mean == pytest.approx(3, abs=0.06) and channel.std == pytest.approx(std, rel=0.02)
        assert channel.noise_share == pytest.approx(noise**2 / (std**2 + noise**2), rel=0.04)
        assert channel.posterior_variance == pytest.approx(noise**2, rel=1e-5)
        assert not channel.dead


def test_the_share_over_all_channels_is_that_of_normalised_latents() -> None:
    pooled = cohort().of(np.arange(6)[None])
    ratio = np.mean([n**2 / s**2 for s, n in zip(STD, NOISE, strict=True)])
    assert posterior_noise(pooled)[0] == pytest.approx(ratio / (1 + ratio), rel=0.03)
    # Where all channels are alike, it is the share of each of them.
    alike = cohort((1.0, 1.0), (0.6, 0.6)).of(np.arange(6)[None])
    assert posterior_noise(alike)[0] == pytest.approx(channel_noise(alike).mean(), rel=0.01)


def test_the_divergence_is_that_of_two_normals() -> None:
    mean, logvar = torch.full((1, *SHAPE), 0.7), torch.full((1, *SHAPE), -1.3)
    expected = kl_divergence(Normal(0.7, float(np.exp(-0.65))), Normal(0.0, 1.0))
    assert moments(mean, logvar).kl[0] == pytest.approx(float(expected), rel=1e-5)


def test_a_planted_dead_channel_is_found() -> None:
    still = channels(cohort((1.0, 0.005, 0.5), (0.1, 0.001, 0.1)))
    assert [c.dead for c in still] == [False, True, False]
    collapsed = channels(cohort((1.0, 0.05, 0.5), (0.1, 1.0, 0.1)))
    assert [c.dead for c in collapsed] == [False, True, False]


def test_scans_drawn_twice_count_twice() -> None:
    scans = cohort()
    rows = np.array([[0, 0, 1], [2, 2, 2]])
    assert scans.of(rows).square[0] == pytest.approx((2 * scans.square[0] + scans.square[1]) / 3)
    assert scans.of(rows).mean[1] == pytest.approx(scans.mean[2])


def test_float64_is_made_on_the_cpu_where_every_machine_has_it() -> None:
    called = []

    class Listening(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            called.append(getattr(func, "__name__", ""))
            return func(*args, **(kwargs or {}))

    with Listening():
        moments(torch.zeros(2, 3, 3, 3), torch.zeros(2, 3, 3, 3))
    assert "double" in called and "cpu" in called[: called.index("double")]
