"""Slices as pictures: which way is up, what a window does, and that length tells nothing."""

import io

import numpy as np
import pytest
from PIL import Image

from tlesynth.reader_study import pictures


def opened(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


@pytest.mark.parametrize(
    ("plane", "where"),
    # The voxel (1, 2, 3) of 4 x 5 x 6, as (row from the top, column) of each plane.
    [("sagittal", (6 - 1 - 3, 2)), ("coronal", (6 - 1 - 3, 1)), ("axial", (5 - 1 - 2, 1))],
)
def test_right_or_anterior_is_to_the_right_and_superior_or_anterior_up(plane: str, where: tuple[int, int]) -> None:
    voxels = np.zeros((4, 5, 6), np.uint8)
    voxels[1, 2, 3] = 200
    index = (1, 2, 3)[pictures.AXES[plane]]
    image = opened(pictures.slice_png(voxels, plane, index, 0, 255))
    assert np.argwhere(image == 200).tolist() == [list(where)]
    assert image.sum() == 200


def test_a_window_maps_its_ends_to_black_and_white() -> None:
    ramp = np.arange(256, dtype=np.uint8)[None]
    shown = pictures.windowed(ramp, 64, 192)[0]
    assert (shown[:65] == 0).all()
    assert (shown[192:] == 255).all()
    assert shown[128] == 128
    assert (pictures.windowed(ramp, 0, 255) == ramp).all()


def test_every_slice_of_a_plane_is_as_long_whatever_is_in_it() -> None:
    draw = np.random.default_rng(0)
    volumes = [np.zeros((8, 9, 10), np.uint8), draw.integers(0, 256, (8, 9, 10), np.uint8)]
    for plane in pictures.AXES:
        assert len({len(pictures.slice_png(v, plane, i, 0, 255)) for v in volumes for i in range(8)}) == 1


def test_a_difference_is_blue_where_less_red_where_more_and_nothing_where_equal() -> None:
    voxels = np.full((3, 1, 1), 100, np.uint8)
    change = np.array([-0.5, 0.0, 0.25], np.float32).reshape(3, 1, 1)
    less, equal, more = opened(pictures.overlaid_png(voxels, change, "axial", 0, top=0.5))[0]
    assert less.tolist() == [0, 64, 255]
    assert equal.tolist() == [100, 100, 100]
    assert more.tolist() == [178, 76, 50]  # half grey, half (255, 51, 0)


def test_a_strip_shows_each_plane_at_one_height() -> None:
    strip = Image.open(io.BytesIO(pictures.strip_webp(np.zeros((4, 6, 8), np.uint8), {"coronal": 1, "axial": 2}, 48)))
    assert strip.size == (24 + 2 + 32, 48)
