import base64
import io
from typing import Any

import numpy as np
from PIL import Image

from tlesynth.report.pictures import DARK, LIGHT, Theme, chart, mapped_picture, slice_picture


def decoded(uri: str) -> np.ndarray:
    head, data = uri.split(",", 1)
    assert head == "data:image/webp;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGBA"))


def test_a_slice_stands_upright() -> None:
    plane = np.zeros((40, 60))
    plane[30:, 50:] = 1  # far right, far up
    picture = slice_picture(plane, "alt", height=120)
    image = decoded(picture.light)[..., 0]
    assert (picture.width, picture.height) == (80, 120) == image.shape[::-1]
    assert image[10, 70] > 200
    assert image[110, 70] < 40 and image[10, 10] < 40


def test_intensities_outside_the_scale_are_clipped() -> None:
    image = decoded(slice_picture(np.array([[-3.0, 9.0]]), "alt", height=100).light)[..., 0]
    assert image[5].max() > 240 and image[-5].min() < 15


def test_the_error_map_saturates_at_its_top() -> None:
    low, high = (decoded(mapped_picture(np.full((8, 8), v), 0.25, "alt", height=32).light) for v in (0.0, 0.9))
    assert low[16, 16, :3].max() < 20
    assert high[16, 16, 0] > 230 and high[16, 16, 1] > 220


def test_a_chart_is_drawn_for_light_and_for_dark_pages() -> None:
    themes = []

    def draw(axes: Any, theme: Theme) -> None:
        themes.append(theme)
        axes.plot([0, 1], color=theme.real)

    picture = chart(draw, "a line", size=(2, 1.5))
    assert themes == [LIGHT, DARK]
    assert picture.light != picture.dark
    light = decoded(picture.light)
    assert light.shape == (300, 400, 4)
    assert light[0, 0, 3] == 0, "the page shows through"
