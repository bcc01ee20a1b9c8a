"""Phantoms whose structures changed by a known amount are measured with the right sign, on the right side."""

import numpy as np
import pytest

from tlesynth.data.anatomy import STRUCTURES, pull, structure_mask
from tlesynth.data.deformation import exponential, jacobian_determinant, sample
from tlesynth.data.structures import NAMES, structures
from tlesynth.data.template import load_template
from tlesynth.volume import GRIDS, Grid

GRID = GRIDS["mni-3mm"]
PUSH = {"hippocampus": 0.2, "amygdala": 0.2, "thalamus": 0.1, "temporal_horn": -0.3}


def phantom(name: str, side: str, push: float) -> tuple[np.ndarray, float]:
    """The template with one structure contracted (push above 0), and its true volume in mm3."""
    world, template = GRID.world(), load_template(GRID)
    velocity = push * pull(name, world, side)
    image = sample(template.t1[None], GRID, world + exponential(-velocity, GRID))[0]
    jacobian = jacobian_determinant(exponential(velocity, GRID), GRID)
    truth = float((structure_mask(name, template, GRID, side) * jacobian).sum()) * GRID.spacing**3
    return (image * (image > 0.1)).astype(np.float32), truth


def test_the_template_has_its_own_volumes() -> None:
    found = structures(*_plain())
    assert found and set(found.registered) == set(found.tissue) == set(NAMES)
    for name in STRUCTURES:
        _, truth = phantom(name, "left", 0.0)
        assert found.registered[f"{name}_left"] == pytest.approx(truth, rel=0.2), name
        assert found.registered[f"{name}_left"] == pytest.approx(found.registered[f"{name}_right"], rel=1e-4)


@pytest.mark.parametrize("name", list(STRUCTURES))
def test_a_known_change_is_measured_on_its_side_alone(name: str) -> None:
    """Grey and white in one voxel look like grey matter: tissue within a fixed outline hardly notices."""
    plain, changed = structures(*_plain()), structures(phantom(name, "right", PUSH[name])[0], GRID)
    assert plain and changed
    true = np.log(phantom(name, "right", PUSH[name])[1] / phantom(name, "right", 0.0)[1])
    for method, least in (("registered", 0.4), ("tissue", 0.02)):
        before, after = getattr(plain, method), getattr(changed, method)
        change = {side: np.log(after[f"{name}_{side}"] / before[f"{name}_{side}"]) for side in ("left", "right")}
        assert least * abs(true) < change["right"] * np.sign(true) < 1.8 * abs(true), (method, true, change)
        assert abs(change["left"]) < 0.05 * abs(true)


def test_the_mirror_image_swaps_the_sides() -> None:
    volume = phantom("hippocampus", "left", 0.2)[0]
    one, other = structures(volume, GRID), structures(volume[::-1].copy(), GRID)
    assert one and other
    for found, mirrored in ((one.registered, other.registered), (one.tissue, other.tissue)):
        assert found["hippocampus_left"] == pytest.approx(mirrored["hippocampus_right"], rel=1e-4)


def test_a_volume_without_tissues_is_not_measured() -> None:
    assert structures(np.zeros(GRID.shape, np.float32), GRID) is None


def _plain() -> tuple[np.ndarray, Grid]:
    return phantom("hippocampus", "left", 0.0)[0], GRID
