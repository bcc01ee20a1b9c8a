"""Brains with known answers: the template carried into a native space by a known affine."""

from collections.abc import Callable

import numpy as np
import pytest

from tlesynth.data.preprocess.registration import template_grid
from tlesynth.data.resampling import sample
from tlesynth.data.template import load_template
from tlesynth.volume import Volume

TO_NATIVE = np.array(
    [[0.98, -0.10, 0.05, 6.0], [0.12, 0.93, -0.08, -14.0], [-0.03, 0.09, 1.04, 21.0], [0.0, 0.0, 0.0, 1.0]]
)


def turned(degrees: float, axis: int = 2) -> np.ndarray:
    """A rotation by ``degrees`` about an axis through the origin, (4, 4)."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    first, second = [a for a in range(3) if a != axis]
    matrix = np.eye(4)
    matrix[first, first] = matrix[second, second] = cos
    matrix[first, second], matrix[second, first] = -sin, sin
    return matrix


def native(
    to_native: np.ndarray, spacing: float = 2.5, shape: tuple[int, int, int] = (80, 88, 76), marker: bool = False
) -> Volume:
    """The template's brain as a scan; ``marker`` darkens a ball on the right, at MNI (36, -20, 20)."""
    affine = np.diag([spacing] * 3 + [1.0])
    affine[:3, 3] = to_native[:3, 3] - spacing * (np.array(shape) - 1) / 2 + [0, -20, 8]
    world = affine[:3, :3] @ np.indices(shape).reshape(3, -1) + affine[:3, 3:]
    inverse = np.linalg.inv(to_native)
    points = inverse[:3, :3] @ world + inverse[:3, 3:]
    grid = template_grid(2.0)
    template = load_template(grid)
    inside = sample(template.mask, grid.affine, points) >= 0.5
    values = np.where(inside, 900 * sample(template.t1, grid.affine, points), 0)
    if marker:
        near = np.linalg.norm(points - np.array([[36.0], [-20.0], [20.0]]), axis=0) < 12
        values = np.where(near & inside, 90, values)
    noise = np.random.default_rng(5).normal(0, 9, values.shape)
    return Volume(np.where(inside, np.abs(values + noise), 0).reshape(shape).astype(np.float32), affine)


@pytest.fixture(scope="session")
def brain() -> Callable[..., Volume]:
    return native


@pytest.fixture(scope="session")
def to_native() -> np.ndarray:
    return TO_NATIVE


@pytest.fixture(scope="session")
def rotation() -> Callable[..., np.ndarray]:
    return turned
