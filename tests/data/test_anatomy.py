"""The analytic anatomy: known volumes, exact mirror symmetry, fields that leave the other side alone."""

from __future__ import annotations

import numpy as np
import pytest

from tlesynth.data import anatomy
from tlesynth.data.template import load_template
from tlesynth.volume import GRIDS, Grid

GRID = GRIDS["mni-1.5mm"]
VOXEL_ML = GRID.spacing**3 / 1000


def test_hippocampus_has_the_volume_the_tube_was_fitted_to() -> None:
    grey = load_template(GRID).gm >= 0.5
    envelope = (anatomy.hippocampus_radius(GRID.world(), "right") <= 1) & grey
    measured = (anatomy.hippocampus_radius(GRID.world(), "right") <= anatomy.MEASURED_SCALE) & grey
    assert envelope.sum() * VOXEL_ML == pytest.approx(5.46, rel=0.02)
    assert measured.sum() * VOXEL_ML == pytest.approx(4.84, rel=0.02)


@pytest.mark.parametrize(
    ("name", "millilitres"), [("hippocampus", 4.34), ("amygdala", 1.87), ("thalamus", 8.5), ("temporal_horn", 0.215)]
)
def test_volumes_do_not_depend_on_the_grid(name: str, millilitres: float) -> None:
    for grid, tolerance in ((GRID, 0.01), (GRIDS["mni-3mm"], 0.11 if name == "temporal_horn" else 0.03)):
        mask = anatomy.structure_mask(name, load_template(grid), grid, "left")
        assert mask.sum() * grid.spacing**3 / 1000 == pytest.approx(millilitres, rel=tolerance)


@pytest.mark.parametrize("name", list(anatomy.STRUCTURES))
def test_left_is_the_mirror_of_right(name: str) -> None:
    grid = GRIDS["mni-3mm"]
    left, right = (anatomy.structure_mask(name, load_template(grid), grid, side) for side in anatomy.SIDES)
    assert np.array_equal(left, right[::-1])
    assert right[: grid.shape[0] // 2].sum() < 0.02 * right.sum()  # right is +x; the thalami touch
    pulls = {side: anatomy.pull(name, grid.world(), side) for side in anatomy.SIDES}
    assert np.array_equal(pulls["left"][1:], pulls["right"][1:, ::-1])
    assert np.array_equal(pulls["left"][0], -pulls["right"][0, ::-1])
    assert np.abs(pulls["right"][:, : grid.shape[0] // 2]).max() == 0


@pytest.mark.parametrize("name", list(anatomy.STRUCTURES))
def test_pull_points_to_the_centre_and_dies_out(name: str) -> None:
    world = GRIDS["mni-3mm"].world()
    field, structure = anatomy.pull(name, world, "right"), anatomy.STRUCTURES[name]
    assert ((field * structure.offset(world)).sum(axis=0) <= 1e-4).all()
    assert np.abs(field[:, structure.radius(world) > 2.2]).max() == 0


def test_radius_is_known_on_a_knot() -> None:
    # At y = -28 the ellipse is centred at (28.8, -10.7) with semi-axes 8.8 and 4.7, turned by -3 degrees.
    angle = np.radians(-3)
    centre = np.array([28.8, -28, -10.7])
    along = centre + 8.8 * np.array([np.cos(angle), 0, np.sin(angle)])
    across = centre + 4.7 * np.array([-np.sin(angle), 0, np.cos(angle)])
    points = np.stack([centre, along, across, centre * [-1, 1, 1], centre + [0, 40, 0]], axis=1).reshape(3, 5, 1, 1)
    radius = anatomy.hippocampus_radius(points, "right").ravel()
    assert radius[:3] == pytest.approx([0, 1, 1], abs=1e-5)
    assert radius[3] > 5 and np.isinf(radius[4])
    assert anatomy.hippocampus_radius(points, "left").ravel()[3] == pytest.approx(0, abs=1e-5)


def test_sphere_volume() -> None:
    grid = Grid("box", (40, 40, 40), 1.0, (-19.5, -19.5, -19.5))
    sphere = anatomy.Ellipsoid((0, 0, 0), (10, 10, 10), ((1, 0, 0), (0, 1, 0), (0, 0, 1)))
    volume = anatomy.inside(sphere, grid.world(), grid.spacing).sum()
    assert volume == pytest.approx(4 / 3 * np.pi * 1000, rel=0.01)
    assert anatomy.inside(sphere, grid.world(), 1.0, scale=0.5).sum() == pytest.approx(volume / 8, rel=0.02)


def test_unknown_side_is_refused() -> None:
    with pytest.raises(ValueError, match="left or right"):
        anatomy.hippocampus_radius(GRIDS["mni-3mm"].world(), "both")
