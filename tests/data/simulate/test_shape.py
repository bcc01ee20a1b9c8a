"""Volumes are exact, deformations invertible, and what happens on one side stays there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tlesynth.data import anatomy
from tlesynth.data.deformation import exponential, jacobian_determinant, sample
from tlesynth.data.simulate import shape as shapes
from tlesynth.data.simulate.subjects import FRAME, SOLVED, Latents
from tlesynth.data.template import load_template
from tlesynth.errors import TlesynthError
from tlesynth.volume import Grid

REST = Latents(
    icv_ml=1500,
    ratio={f"{name}_{where}": 1.0 for name in SOLVED for where in FRAME},
    horn_push=dict.fromkeys(FRAME, 0.0),
)
FINE = Grid("fine", (120, 80, 80), 1.0, (-59.5, -59.5, -51.5))


def wanted(**ratios: float) -> Latents:
    return replace(REST, ratio=REST.ratio | ratios)


@pytest.fixture(scope="module")
def sclerotic() -> shapes.Shape:
    latents = wanted(hippocampus_ipsi=0.6, hippocampus_contra=0.97, thalamus_ipsi=0.92, amygdala_contra=1.1)
    return shapes.shape(replace(latents, head_weight=0.3), np.random.default_rng(5))


def test_the_volumes_are_those_drawn(sclerotic: shapes.Shape) -> None:
    ratio = {name: sclerotic.volumes[name] / volume for name, volume in shapes.template_volumes().items()}
    assert ratio["hippocampus_ipsi"] == pytest.approx(0.6, rel=1e-3)
    assert ratio["hippocampus_contra"] == pytest.approx(0.97, rel=1e-3)
    assert ratio["thalamus_ipsi"] == pytest.approx(0.92, rel=1e-3)
    assert ratio["thalamus_contra"] == pytest.approx(1, rel=1e-3)
    assert ratio["amygdala_contra"] == pytest.approx(1.1, rel=1e-3)
    assert sclerotic.least_jacobian > 0.05


def test_the_integral_is_the_volume_of_the_warped_hippocampus(sclerotic: shapes.Shape) -> None:
    points = sclerotic.came_from(FINE.world())
    for side, where in (("right", "ipsi"), ("left", "contra")):
        mask = anatomy.hippocampus_mask(load_template(FINE), FINE, side)
        assert sample(mask[None], FINE, points).sum(dtype=float) == pytest.approx(
            sclerotic.volumes[f"hippocampus_{where}"], rel=0.01
        )


def test_at_rest_nothing_moves() -> None:
    rest = shapes.shape(REST, None)
    assert np.array_equal(rest.came_from(FINE.world()), FINE.world()) and not any(rest.pushes.values())
    assert rest.volumes == pytest.approx(shapes.template_volumes())


@pytest.mark.parametrize("ratio", [0.5, 0.75, 0.9, 1.1])
def test_one_hippocampus_changes_alone(ratio: float) -> None:
    made = shapes.shape(wanted(hippocampus_ipsi=ratio), None)
    rest = shapes.template_volumes()
    assert made.volumes["hippocampus_ipsi"] / rest["hippocampus_ipsi"] == pytest.approx(ratio, rel=1e-3)
    assert made.volumes["hippocampus_contra"] / rest["hippocampus_contra"] == pytest.approx(1, abs=1e-3)
    left = shapes.REGION.world()[:, : shapes.REGION.shape[0] // 2]
    assert np.abs(made.came_from(left) - left).max() < 0.05  # a volume solved to 0.04 % is not quite at rest
    assert made.least_jacobian > 0.3


def test_volumes_do_not_depend_on_the_grid_of_the_solver() -> None:
    ratios = []
    for grid in (shapes.REGION, FINE):
        flow = exponential(0.3 * anatomy.pull("hippocampus", grid.world(), "right"), grid)
        mask = anatomy.hippocampus_mask(load_template(grid), grid, "right")
        ratios.append((mask * jacobian_determinant(flow, grid)).sum(dtype=float) / mask.sum(dtype=float))
    assert ratios[0] == pytest.approx(ratios[1], rel=0.01)


def test_the_head_loses_more_where_it_is_weighted() -> None:
    grid = shapes.REGION
    head = anatomy.hippocampus_mask(load_template(grid), grid, "right") * (grid.world()[1] > -21)
    even, weighted = (
        (head * shapes.shape(replace(wanted(hippocampus_ipsi=0.7), head_weight=weight), None).jacobian()).sum()
        for weight in (0.0, 0.4)
    )
    assert weighted < 0.99 * even


def test_the_fields_end_inside_the_region() -> None:
    for pull in shapes._plain_pulls():
        for axis in (1, 2, 3):
            assert not pull.take([0, -1], axis=axis).any()


def test_the_flow_is_continuous_where_the_region_ends(sclerotic: shapes.Shape) -> None:
    grid = Grid("across the border", (40, 40, 40), 1.0, (45.0, -40.0, -30.0))
    displacement = sclerotic.came_from(grid.world()) - grid.world()
    steps = np.abs(np.diff(displacement, axis=1))
    assert steps.max() < 0.8 and jacobian_determinant(displacement, grid).min() > 0.1


def test_what_cannot_be_reached_is_an_error() -> None:
    with pytest.raises(TlesynthError, match="NUM-007"):
        shapes.shape(wanted(hippocampus_ipsi=0.01), None)


def test_names_turn_with_the_side() -> None:
    values = {"hippocampus_ipsi": 1.0, "hippocampus_contra": 2.0, "contra_loss": 3.0}
    assert shapes.sided(values, "left") == {"hippocampus_left": 1.0, "hippocampus_right": 2.0, "contra_loss": 3.0}
    assert shapes.sided(values, None) == {"hippocampus_right": 1.0, "hippocampus_left": 2.0, "contra_loss": 3.0}
