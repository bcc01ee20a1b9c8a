"""The distance of drawn latents to real ones: known answers for sets that are the same, or moved by a known amount."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tlesynth.diffusion.latents import Latents

SHAPE = (2, 4, 5, 4)


@pytest.fixture(scope="module")
def module(part: Callable[[str], ModuleType]) -> ModuleType:
    return part("sampling/ruler")


def drawn(n: int, seed: int, scale: float = 1.0) -> Latents:
    """Latents that vary along 40 directions, less and less."""
    random = torch.Generator().manual_seed(7)
    directions = torch.linalg.qr(torch.randn(160, 40, generator=random)).Q * torch.linspace(3, 0.5, 40)  # (160, 40)
    weights = torch.randn(n, 40, generator=torch.Generator().manual_seed(seed))
    values = (0.5 + scale * weights @ directions.T).reshape(n, *SHAPE).half()
    return Latents(values, torch.zeros(n, 1), tuple(map(str, range(n))))


@pytest.fixture(scope="module")
def ruler(module: ModuleType) -> Any:
    return module.ruler_of(drawn(60, 0), drawn(30, 1))


def moved(latents: Tensor, ruler: Any, component: int, by: float) -> Tensor:
    """Every latent moved ``by`` standard deviations of the training scans along a component."""
    row = torch.from_numpy(ruler.components[component])  # unit direction over the standard deviation
    return latents.float() + by * (row / row.square().sum()).reshape(SHAPE)


def test_components_have_mean_zero_and_unit_variance_in_the_training_scans(module: ModuleType, ruler: Any) -> None:
    assert ruler.training.shape == (60, module.MOST_COMPONENTS)
    np.testing.assert_allclose(ruler.training.mean(0), 0, atol=1e-3)
    np.testing.assert_allclose(np.cov(ruler.training.T, bias=True), np.eye(module.MOST_COMPONENTS), atol=5e-3)


def test_the_training_scans_have_no_distance_to_themselves(module: ModuleType) -> None:
    fitted = drawn(60, 0)
    assert module.ruler_of(fitted, fitted).distance(fitted.values) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("by", [0.5, 1.0, 3.0])
def test_a_shift_costs_its_square(module: ModuleType, by: float) -> None:
    fitted = drawn(60, 0)
    own = module.ruler_of(fitted, fitted)
    assert own.distance(moved(fitted.values, own, 2, by)) == pytest.approx(by**2, rel=1e-2)


def test_less_spread_costs_what_the_formula_says(module: ModuleType) -> None:
    fitted = drawn(60, 0)
    own = module.ruler_of(fitted, fitted)
    mean = fitted.values.float().mean(0)
    halved = mean + 0.5 * (fitted.values.float() - mean)
    # Of N(0, 1) and N(0, 1 / 4) in each component: 1 + 1 / 4 - 2 / 2.
    assert own.distance(halved) == pytest.approx(0.25 * module.MOST_COMPONENTS, rel=1e-2)


def test_few_scans_have_fewer_components(module: ModuleType) -> None:
    few = module.ruler_of(drawn(6, 0), drawn(4, 1))
    assert few.training.shape == (6, 5) and few.reference.shape == (4, 5)


def test_the_floor_falls_as_more_scans_are_compared(ruler: Any) -> None:
    floors = [ruler.floor(n, np.random.default_rng(0)) for n in (8, 20, 60)]
    assert floors == sorted(floors, reverse=True) and floors[2] > 0
    assert ruler.floor(1000, np.random.default_rng(0)) == pytest.approx(floors[2])
    assert ruler.distance(drawn(60, 2).values) == pytest.approx(floors[2], rel=0.5)
    assert ruler.distance(drawn(60, 2, scale=0.3).values) > 2 * floors[2]
