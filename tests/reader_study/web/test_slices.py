"""A slice that a request names: the same bytes as the picture's own function, or nothing."""

import numpy as np
import pytest

from tlesynth.reader_study.answers import Refused
from tlesynth.reader_study.pictures import overlaid_png, slice_png
from tlesynth.reader_study.web.slices import Slice

VOXELS = np.arange(4 * 5 * 6, dtype=np.uint8).reshape(4, 5, 6)


def test_a_slice_is_the_picture_of_that_plane_place_and_window() -> None:
    found = Slice("coronal", 4, 10, 90).of(VOXELS)
    assert (found.media_type, found.body) == ("image/png", slice_png(VOXELS, "coronal", 4, 10, 90))
    change = VOXELS.astype(np.float32) - 60
    assert Slice("axial", 5, 0, 255).overlaid(VOXELS, change, 9.0).body == overlaid_png(VOXELS, change, "axial", 5, 9.0)


@pytest.mark.parametrize(
    "wanted",
    [Slice("oblique", 0, 0, 255), Slice("sagittal", 4, 0, 255), Slice("axial", -1, 0, 255), Slice("axial", 0, 9, 9)],
)
def test_what_there_is_not_is_not_found(wanted: Slice) -> None:
    for show in (lambda: wanted.of(VOXELS), lambda: wanted.overlaid(VOXELS, VOXELS, 1.0)):
        with pytest.raises(Refused) as caught:
            show()
        assert caught.value.status == 404
