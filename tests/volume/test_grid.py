"""The grid: the design's numbers and the mirror law."""

import numpy as np
import pytest

from tlesynth.volume import GRIDS


def test_the_grid_is_the_papers() -> None:
    grid = GRIDS["mni-1.5mm"]
    assert grid.shape == (112, 136, 112) and grid.spacing == 1.5 and grid.origin == (-83.25, -119.25, -71.25)
    assert grid.resolution == "1p5" and GRIDS["mni-3mm"].resolution == "3"


@pytest.mark.parametrize("grid", GRIDS.values(), ids=str)
def test_flipping_x_mirrors_the_world(grid: object) -> None:
    world = grid.world()  # ty: ignore
    assert np.allclose(world[0][::-1], -world[0]) and np.allclose(world[1][::-1], world[1])


def test_both_grids_cover_the_same_box() -> None:
    boxes = []
    for grid in GRIDS.values():
        low = np.array(grid.origin) - grid.spacing / 2
        boxes.append((low, low + np.array(grid.shape) * grid.spacing))
    assert np.allclose(boxes[0], boxes[1])
    assert GRIDS["mni-1.5mm"].fingerprint != GRIDS["mni-3mm"].fingerprint


def test_a_plane_is_found_by_its_millimetres() -> None:
    grid = GRIDS["mni-1.5mm"]
    assert grid.world()[1][0, grid.index(1, -20), 0] == pytest.approx(-20, abs=0.75)
    assert grid.index(1, 1e6) == 135 and grid.index(0, -1e6) == 0
