import base64
import io

import numpy as np
import pytest
from PIL import Image

from tlesynth.data.template import load_template
from tlesynth.report.pictures import Picture
from tlesynth.report.thumbnails import LARGEST, OUTLINE, strip
from tlesynth.volume import GRIDS


def pixels(picture: Picture) -> np.ndarray:
    data = base64.b64decode(picture.light.partition("base64,")[2])
    assert len(data) < 15_000
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


@pytest.mark.parametrize("name", list(GRIDS))
@pytest.mark.parametrize("height", [120, 64])
def test_three_planes_stand_side_by_side_at_the_size_it_says(name: str, height: int) -> None:
    template = load_template(GRIDS[name])
    picture = strip(template.t1, template.mask > 0, GRIDS[name], "a scan", height)
    assert pixels(picture).shape == (picture.height, picture.width, 3) == (height, picture.width, 3)
    assert picture.width == pytest.approx(height * (1 + 136 / 112 + 112 / 136), abs=6)


def test_the_outline_is_drawn_where_the_mask_ends_and_nowhere_else() -> None:
    grid = GRIDS["mni-3mm"]
    empty = np.zeros(grid.shape, np.float32)
    mask = load_template(grid).mask > 0
    coloured = np.abs(pixels(strip(empty, mask, grid, "a scan")) - OUTLINE).max(-1) < 90
    assert 200 < coloured.sum() < 4000
    assert pixels(strip(empty, mask & False, grid, "a scan")).max() < 5


def test_even_noise_stays_small() -> None:
    grid = GRIDS["mni-1.5mm"]
    noise = np.random.default_rng(0).random(grid.shape, np.float32)
    picture = strip(noise, noise > 0, grid, "noise")
    assert len(picture.light) < LARGEST * 4 / 3 * 1.5
